import { expect, test } from 'vitest';
import { classify } from '../../../../workers/edge/codec/classification.ts';

const scores = { dtype: 'float32', dims: [2, 3], data: Float32Array.of(0.5, 2, -1, 3, 3, 4) } as const;

test('classify() names the largest of each sample first, ties by index', () => {
  expect(classify('y', scores, 2, ['zero', 'one', 'two'])).toEqual({
    dtype: 'string',
    dims: [2, 2],
    data: ['2.000000:1:one', '0.500000:0:zero', '4.000000:2:two', '3.000000:0:zero'],
  });
});

test('classify() gives no more than there are, without labels where there are none', () => {
  const { dims, data } = classify('y', scores, 9, []);
  expect(dims).toEqual([2, 3]);
  expect(data.slice(0, 3)).toEqual(['2.000000:1', '0.500000:0', '-1.000000:2']);
});

test('classify() takes a single sample without a batch, and integers', () => {
  const tensor = { dtype: 'int64', dims: [3], data: BigInt64Array.of(5n, 7n, 6n) } as const;
  expect(classify('y', tensor, 2, [])).toEqual({ dtype: 'string', dims: [2], data: ['7:1', '6:2'] });
});

test('classify() refuses what is not numbers', () => {
  expect(() => classify('y', { dtype: 'string', dims: [1], data: ['a'] }, 1, [])).toThrow(
    'Cannot classify output "y": its type is BYTES',
  );
});
