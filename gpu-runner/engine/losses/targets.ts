import type { Emitter } from '../emitter.ts';

/**
 * Class labels as what a network should put out: the label itself where the output has one column, else one-hot rows.
 *
 * @param labels int32 [batch]
 * @param output [batch, width]; each label is below `width`, or 0 or 1 where `width` is 1
 * @returns a value of the type and dims of `output`
 */
export function targetsOf(emit: Emitter, labels: string, output: string): string {
  const [batch = 0, width = 0] = emit.dims(output);
  const column = emit.reshape(labels, [batch, 1]);
  if (width === 1) return emit.castLike(column, output);
  const classes = emit.constant({
    dtype: 'int32',
    dims: [1, width],
    data: Int32Array.from({ length: width }, (_, i) => i),
  });
  return emit.castLike(emit.op('Equal', [column, classes]), output);
}
