import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

test('sqrt: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: { dims: [4], data: Float64Array.of(0.2, 0.9, 1, 40) } },
    build: (emit, { x = '' }) => emit.op('Sqrt', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});
