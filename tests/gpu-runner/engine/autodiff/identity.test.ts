import { expect, test } from 'vitest';
import { gradientError } from '../gradientCheck.ts';

test('identity: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [2, 3] },
    build: (emit, { x = '' }) => emit.op('Identity', [x]),
  });
  expect(error).toBeLessThan(1e-8);
});
