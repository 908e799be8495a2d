import { useState } from 'react';
import type { TensorSpec } from '../../../../../shared/manifest.ts';
import { elementCount, type Tensor } from '../../../../../shared/tensor.ts';
import { Button } from '../../ui/Button.tsx';
import { Field, TextArea } from '../../ui/Field.tsx';
import { formatDims, formatExact } from '../../ui/format.ts';

/** One sample as numbers: for networks that read no images. */
export function Numbers({
  spec,
  onNumbers,
}: {
  readonly spec: TensorSpec | undefined;
  readonly onNumbers: (tensor: Tensor<'float32'>) => void;
}) {
  const [text, setText] = useState('');
  const dims = (spec?.dims ?? []).map((dim, axis) => (axis === 0 ? 1 : dim));
  const wanted = dims.every((dim) => dim > 0) ? elementCount(dims) : null;
  const numbers = text
    .split(/[\s,;[\]]+/)
    .filter((part) => part !== '')
    .map(Number);
  const wrong =
    text.trim() === ''
      ? null
      : numbers.some((one) => !Number.isFinite(one))
        ? 'Not everything here is a number.'
        : wanted !== null && numbers.length !== wanted
          ? `${formatExact(wanted)} numbers are needed, these are ${formatExact(numbers.length)}.`
          : null;
  if (spec === undefined || spec.dtype !== 'float32' || wanted === null)
    return (
      <p className="muted">
        This endpoint reads {spec === undefined ? 'nothing' : `${spec.dtype} ${formatDims(spec.dims)}`}: ask
        it by the API.
      </p>
    );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === null && numbers.length === wanted)
          onNumbers({ dtype: 'float32', dims, data: Float32Array.from(numbers) });
      }}
    >
      <Field
        label={`One sample, ${formatDims(dims)}`}
        hint="Numbers with commas or blanks between them"
        error={wrong}
      >
        <TextArea value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </Field>
      <div>
        <Button type="submit" kind="primary" disabled={wrong !== null || numbers.length !== wanted}>
          Ask
        </Button>
      </div>
    </form>
  );
}
