import { describe, expect, test } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError, gradientsOf } from '../gradientCheck.ts';

const cases: readonly (readonly [string, readonly number[], boolean])[] = [
  ['one axis, kept', [1], true],
  ['one axis, dropped', [1], false],
  ['the last two axes, by negative numbers', [-1, -2], false],
  ['the outer axes', [0, 2], true],
  ['every axis', [0, 1, 2], false],
];

describe.each(['ReduceSum', 'ReduceMean'])('%s', (op) => {
  test.each(cases)('gradients over %s agree with differences', async (_, axes, keep) => {
    const error = await gradientError({
      inputs: { x: [2, 3, 4] },
      build: (emit, { x = '' }) => emit.op(op, [x, emit.int64s(axes)], { keepdims: int(keep ? 1 : 0) }),
    });
    expect(error).toBeLessThan(1e-8);
  });

  test('reduces every axis where none is listed', async () => {
    const error = await gradientError({
      inputs: { x: [2, 3] },
      build: (emit, { x = '' }) => emit.op(op, [x]),
    });
    expect(error).toBeLessThan(1e-8);
  });

  test('passes everything on where no axis means none', async () => {
    const { x } = await gradientsOf({
      inputs: { x: [2, 3] },
      build: (emit, values) => emit.op(op, [values['x'] ?? ''], { noop_with_empty_axes: int(1) }),
    });
    expect(x).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
