import { expect, test } from 'vitest';
import { differentiate } from '../../../../gpu-runner/engine/autodiff/differentiate.ts';
import { Emitter } from '../../../../gpu-runner/engine/emitter.ts';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

test.each([
  ['a permutation', 1, [4], [2, 0, 3, 1]],
  ['some, one of them three times', 1, [5], [3, 0, 3, -1, 2]],
  ['an axis counted from the end', -1, [2], [4, 1]],
  ['indices of two axes', 0, [2, 3], [1, 0, 1, 1, 0, -2]],
  ['one place, which loses its axis', 1, [], [2]],
])('gather: gradients of %s agree with differences', async (_, axis, dims, indices) => {
  const error = await gradientError({
    inputs: { x: [2, 4, 5] },
    build: (emit, { x = '' }) => {
      const taken = emit.constant({ dtype: 'int64', dims, data: BigInt64Array.from(indices, BigInt) });
      return emit.op('Gather', [x, taken], { axis: int(axis) });
    },
  });
  expect(error).toBeLessThan(1e-8);
});

test('gather: indices may be int32, along the first axis where none is named', async () => {
  const error = await gradientError({
    inputs: { x: [3, 2] },
    build: (emit, { x = '' }) =>
      emit.op('Gather', [x, emit.constant({ dtype: 'int32', dims: [2], data: Int32Array.of(2, 2) })]),
  });
  expect(error).toBeLessThan(1e-8);
});

test('gather: refuses indices that are not constant', () => {
  const emit = new Emitter('lookup');
  const [x, index] = [emit.input('x', 'float32', [4]), emit.input('index', 'int64', [])];
  const loss = emit.op('Gather', [x, index]);
  expect(() => differentiate(emit, loss, [x])).toThrow(
    /Cannot differentiate Gather ".*": its indices are not constant/,
  );
});
