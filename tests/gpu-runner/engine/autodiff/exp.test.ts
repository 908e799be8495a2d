import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

test('exp: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [3, 5] },
    build: (emit, { x = '' }) => emit.op('Exp', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});
