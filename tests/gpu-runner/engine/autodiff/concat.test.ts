import { expect, test } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

test.each([1, -2])('concat: gradients along axis %i agree with differences', async (axis) => {
  const error = await gradientError({
    inputs: { a: [2, 1, 3], b: [2, 4, 3], c: [2, 2, 3] },
    build: (emit, { a = '', b = '', c = '' }) => emit.op('Concat', [a, b, c], { axis: int(axis) }),
  });
  expect(error).toBeLessThan(1e-8);
});

test('concat: only the inputs asked for, one of them there twice', async () => {
  const error = await gradientError({
    inputs: { a: [2, 2], b: [2, 3] },
    wrt: ['b'],
    build: (emit, { a = '', b = '' }) => emit.op('Concat', [b, a, b], { axis: int(1) }),
  });
  expect(error).toBeLessThan(1e-8);
});
