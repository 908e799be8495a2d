import { expect, test } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { string } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

test.each([
  ['around', [1, 2, 0, 3], undefined],
  ['with a cut', [-1, 2, 1, -2], undefined],
  ['along one axis counted from the end', [2, 1], [-1]],
])('pad: gradients of padding %s agree with differences', async (_, pads, axes) => {
  const error = await gradientError({
    inputs: { x: [3, 4] },
    build: (emit, { x = '' }) =>
      emit.op('Pad', [x, emit.int64s(pads), ...(axes ? [emit.scalar(0.5, x), emit.int64s(axes)] : [])]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('pad: refuses to reflect', () => {
  const emit = new Emitter('mirror');
  const x = emit.input('x', 'float32', [4]);
  const padded = emit.op('Pad', [x, emit.int64s([1, 1])], { mode: string('reflect') });
  const loss = emit.sum(padded, [0], false);
  expect(() => differentiate(emit, loss, [x])).toThrow(
    /Cannot differentiate Pad ".*": its mode is reflect, only constant is supported/,
  );
});
