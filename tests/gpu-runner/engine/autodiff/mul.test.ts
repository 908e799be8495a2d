import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';
import { broadcastShapes } from './broadcastShapes.ts';

test.each(broadcastShapes)('mul: gradients of %s agree with differences', async (_, a, b) => {
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
