import { expect, test } from 'vitest';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

test('clip: gradients agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [5, 4] },
    build: (emit, { x = '' }) => emit.op('Clip', [x, emit.scalar(-0.5, x), emit.scalar(0.75, x)]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('clip: one bound may be left out', async () => {
  const error = await gradientError({
    inputs: { x: [20] },
    build: (emit, { x = '' }) => emit.op('Clip', [x, '', emit.scalar(0.25, x)]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('clip: all flows at the bounds, nothing beyond them', async () => {
  const gradients = await gradientsOf({
    inputs: { x: { dims: [5], data: Float64Array.of(-0.01, 0, 3, 6, 6.01) } },
    build: (emit, { x = '' }) => emit.op('Clip', [x, emit.scalar(0, x), emit.scalar(6, x)]),
  });
  expect(gradients['x']).toEqual([0, 1, 1, 1, 0]);
});

test('clip: refuses to differentiate by a bound', () => {
  const emit = new Emitter('bounds');
  const [x, low] = [emit.input('x', 'float32', [1]), emit.input('low', 'float32', [])];
  const loss = emit.op('Clip', [x, low]);
  expect(() => differentiate(emit, loss, [low])).toThrow(/Cannot differentiate Clip ".*" by its bounds/);
});
