import { expect, test } from 'vitest';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { gradientError, randomArray, type Array64 } from '../gradientCheck.ts';
import { broadcastShapes } from './broadcastShapes.ts';

/** Away from 0, where a quotient has no derivative. */
const divisor = (dims: readonly number[]): Array64 => {
  const { data } = randomArray(dims, new Random(7));
  return { dims, data: data.map((value) => (value < 0 ? value - 0.5 : value + 0.5)) };
};

test.each(broadcastShapes)('div: gradients of %s agree with differences', async (_, a, b) => {
  const error = await gradientError({
    inputs: { a, b: divisor(b) },
    build: (emit, values) => emit.op('Div', [values['a'] ?? '', values['b'] ?? '']),
  });
  expect(error).toBeLessThan(1e-8);
});

test('div: a value used twice gets both contributions', async () => {
  const error = await gradientError({
    inputs: { a: divisor([3]) },
    build: (emit, { a = '' }) => emit.op('Div', [a, emit.op('Div', [a, emit.scalar(2, a)])]),
  });
  expect(error).toBeLessThan(1e-8);
});
