import { expect, test } from 'vitest';
import { gradientError, gradientsOf } from '../gradientCheck.ts';
import { broadcastShapes } from './broadcastShapes.ts';

test.each(['Max', 'Min'])('extremum: gradients of %s agree with differences when stretched', async (op) => {
  for (const [, a, b] of broadcastShapes) {
    const error = await gradientError({
      inputs: { a, b },
      build: (emit, { a: one = '', b: other = '' }) => emit.op(op, [one, other]),
    });
    expect(error).toBeLessThan(1e-8);
  }
});

test.each(['Max', 'Min'])('extremum: gradients of %s of one and of three values', async (op) => {
  const error = await gradientError({
    inputs: { a: [3, 4], b: [4], c: [3, 1] },
    build: (emit, { a = '', b = '', c = '' }) => emit.op(op, [emit.op(op, [a, b, c])]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('extremum: values that tie get equal parts', async () => {
  const gradients = await gradientsOf({
    inputs: {
      a: { dims: [3], data: Float64Array.of(1, 2, 3) },
      b: { dims: [3], data: Float64Array.of(1, 3, 3) },
      c: { dims: [3], data: Float64Array.of(0, 3, 3) },
    },
    build: (emit, { a = '', b = '', c = '' }) => emit.op('Max', [a, b, c]),
  });
  expect(gradients).toEqual({ a: [0.5, 0, 1 / 3], b: [0.5, 0.5, 1 / 3], c: [0, 0.5, 1 / 3] });
});
