import { expect, test } from 'vitest';
import { float, int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

const layouts = [
  { transA: 0, transB: 0 },
  { transA: 0, transB: 1 },
  { transA: 1, transB: 0 },
  { transA: 1, transB: 1 },
];
const biases: readonly (readonly [string, readonly number[]])[] = [
  ['a row', [4]],
  ['a matrix', [3, 4]],
  ['a column', [3, 1]],
  ['a scalar', []],
];

test.each(layouts)('gemm: gradients with transA $transA and transB $transB', async ({ transA, transB }) => {
  const error = await gradientError({
    inputs: { a: transA ? [2, 3] : [3, 2], b: transB ? [4, 2] : [2, 4], c: [4] },
    build: (emit, { a = '', b = '', c = '' }) =>
      emit.op('Gemm', [a, b, c], {
        transA: int(transA),
        transB: int(transB),
        alpha: float(0.5),
        beta: float(-2),
      }),
  });
  expect(error).toBeLessThan(1e-8);
});

test.each(biases)('gemm: gradients with %s as bias', async (_, dims) => {
  const error = await gradientError({
    inputs: { a: [3, 2], b: [2, 4], c: dims },
    build: (emit, { a = '', b = '', c = '' }) => emit.op('Gemm', [a, b, c], { beta: float(3) }),
  });
  expect(error).toBeLessThan(1e-8);
});

test('gemm: gradients without a bias', async () => {
  const error = await gradientError({
    inputs: { a: [1, 5], b: [3, 5] },
    build: (emit, { a = '', b = '' }) => emit.op('Gemm', [a, b], { transB: int(1) }),
  });
  expect(error).toBeLessThan(1e-8);
});
