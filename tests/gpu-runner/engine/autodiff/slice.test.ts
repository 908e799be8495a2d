import { expect, test } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { gradientError } from '../gradientCheck.ts';

const cases: readonly (readonly [string, number[], number[], number[] | undefined])[] = [
  ['the middle of an axis', [1], [3], [1]],
  ['two axes, in any order', [2, 0], [4, 1], [1, 0]],
  ['negative ends', [-3], [-1], [-1]],
  ['ends beyond the array', [1], [1000], [1]],
  ['the first axes where none is listed', [1, 2], [2, 4], undefined],
];

test.each(cases)('slice: gradients of %s agree with differences', async (_, starts, ends, axes) => {
  const error = await gradientError({
    inputs: { x: [2, 5, 3] },
    build: (emit, { x = '' }) => {
      const bounds = [emit.int64s(starts), emit.int64s(ends)];
      return emit.op('Slice', [x, ...bounds, ...(axes ? [emit.int64s(axes)] : [])]);
    },
  });
  expect(error).toBeLessThan(1e-8);
});

test('slice: refuses steps, by the name of the node', () => {
  const emit = new Emitter('steps');
  const x = emit.input('x', 'float32', [4]);
  const loss = emit.sum(emit.slice(x, 0, 0, 4, 2), [0], false);
  expect(() => differentiate(emit, loss, [x])).toThrow(
    /Cannot differentiate Slice ".*": its steps are 2, only 1/,
  );
});
