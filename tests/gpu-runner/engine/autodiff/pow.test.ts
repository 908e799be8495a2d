import { expect, test } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { gradientError } from '../gradientCheck.ts';

test.each([
  [2, [-3, -0.5, 0.4, 7]],
  [3, [-3, -0.5, 0.4, 7]],
  [0.5, [0.2, 0.9, 1, 40]],
  [-1.5, [0.2, 0.9, 1, 40]],
])('pow: gradients of x to the power of %d agree with differences', async (exponent, x) => {
  const error = await gradientError({
    inputs: { x: { dims: [4], data: Float64Array.from(x) } },
    build: (emit, { x: value = '' }) => emit.op('Pow', [value, emit.scalar(exponent, value)]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('pow: several constant exponents at once', async () => {
  const error = await gradientError({
    inputs: { x: { dims: [2, 1], data: Float64Array.of(0.7, 1.9) } },
    build: (emit, { x = '' }) =>
      emit.op('Pow', [x, emit.constant({ dtype: 'float64', dims: [3], data: Float64Array.of(1, 2, -3) })]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('pow: refuses to differentiate by the exponent', () => {
  const emit = new Emitter('power');
  const [x, p] = [emit.input('x', 'float32', [1]), emit.input('p', 'float32', [])];
  const loss = emit.op('Pow', [x, p]);
  expect(() => differentiate(emit, loss, [p])).toThrow(/Cannot differentiate Pow ".*" by its exponent/);
});
