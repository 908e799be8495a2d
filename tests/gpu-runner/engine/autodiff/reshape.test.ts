import { expect, test } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import type { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { gradientError } from '../gradientCheck.ts';

const forms: readonly (readonly [string, (emit: Emitter, x: string) => string])[] = [
  ['Reshape', (emit, x) => emit.op('Reshape', [x, emit.int64s([4, 3])])],
  [
    'Reshape with a dimension kept and one left to find',
    (emit, x) => emit.op('Reshape', [x, emit.int64s([0, -1])]),
  ],
  ['Flatten', (emit, x) => emit.op('Flatten', [x], { axis: int(2) })],
  ['Squeeze', (emit, x) => emit.op('Squeeze', [x, emit.int64s([1])])],
  ['Unsqueeze', (emit, x) => emit.op('Unsqueeze', [x, emit.int64s([0, -1])])],
];

test.each(forms)('reshape: gradients of %s agree with differences', async (_, form) => {
  const error = await gradientError({
    inputs: { x: [2, 1, 3, 2] },
    // Squared, so that the gradient's elements differ and a wrong order shows.
    build: (emit, { x = '' }) => form(emit, emit.mul(x, x)),
  });
  expect(error).toBeLessThan(1e-8);
});
