import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

const shapes: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['matrices', [3, 2], [2, 4]],
  ['one row and one column', [1, 5], [5, 1]],
  ['two vectors', [4], [4]],
  ['a vector and a matrix', [3], [3, 2]],
  ['a matrix and a vector', [2, 3], [3]],
  ['a vector and a batch', [3], [2, 3, 4]],
  ['a batch and a vector', [2, 4, 3], [3]],
  ['equal batches', [2, 3, 4], [2, 4, 5]],
  ['a batch against one matrix', [2, 3, 4], [4, 5]],
  ['one matrix against a batch', [3, 4], [2, 4, 5]],
  ['batches that broadcast both ways', [2, 1, 3, 4], [3, 4, 2]],
  ['a batch of one', [1, 3, 4], [5, 4, 2]],
];

test.each(shapes)('matmul: gradients of %s agree with differences', async (_, a, b) => {
  const error = await gradientError({
    inputs: { a, b },
    build: (emit, values) => emit.matmul(values['a'] ?? '', values['b'] ?? ''),
  });
  expect(error).toBeLessThan(1e-8);
});
