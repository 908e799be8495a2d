import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

const shapes: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['equal shapes', [2, 3], [2, 3]],
  ['a row against a matrix', [2, 3], [3]],
  ['a matrix against a row', [3], [2, 3]],
  ['a column against a row', [4, 1], [1, 3]],
  ['a scalar against a tensor', [], [2, 1, 3]],
  ['a bias along channels', [2, 3, 2, 2], [3, 1, 1]],
  ['inner and leading axes at once', [5, 1, 4], [3, 1]],
  ['ones on both sides', [1, 1], [1]],
];

test.each(shapes)('mul: gradients of %s agree with differences', async (_, a, b) => {
  const error = await gradientError({
    inputs: { a, b },
    build: (emit, values) => emit.op('Mul', [values['a'] ?? '', values['b'] ?? '']),
  });
  expect(error).toBeLessThan(1e-8);
});

test('mul: a value used twice gets both contributions', async () => {
  const error = await gradientError({
    inputs: { a: [3] },
    build: (emit, { a = '' }) => emit.op('Mul', [a, emit.op('Mul', [a, emit.scalar(2, a)])]),
  });
  expect(error).toBeLessThan(1e-8);
});
