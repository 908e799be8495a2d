import { expect, test } from 'vitest';
import { ints } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

const perms = [
  [0, 1, 2],
  [2, 0, 1],
  [1, 2, 0],
  [0, 2, 1],
  [2, 1, 0],
];

test.each(perms)('transpose: gradients of order %i %i %i agree with differences', async (...perm) => {
  const error = await gradientError({
    inputs: { x: [2, 3, 4] },
    build: (emit, { x = '' }) => emit.op('Transpose', [x], { perm: ints(perm) }),
  });
  expect(error).toBeLessThan(1e-8);
});

test('transpose: the axes are reversed where no order is given', async () => {
  const error = await gradientError({
    inputs: { x: [2, 3, 4] },
    build: (emit, { x = '' }) => emit.op('Transpose', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});
