import { expect, test } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { gradientError } from '../gradientCheck.ts';

test.each([0, 1, 2])('split: gradients through part %i alone agree with differences', async (part) => {
  const error = await gradientError({
    inputs: { x: [2, 6, 2] },
    build: (emit, { x = '' }) => {
      const node = emit.node('Split', [x, emit.int64s([1, 2, 3])], {
        outputs: 3,
        attributes: { axis: int(1) },
      });
      return emit.op('Tanh', [node.outputs[part] ?? '']);
    },
  });
  expect(error).toBeLessThan(1e-8);
});

test('split: gradients through two parts along a negative axis agree with differences', async () => {
  const error = await gradientError({
    inputs: { x: [2, 4] },
    build: (emit, { x = '' }) => {
      const attributes = { axis: int(-1), num_outputs: int(2) };
      const [left = '', right = ''] = emit.node('Split', [x], { outputs: 2, attributes }).outputs;
      return emit.mul(left, right);
    },
  });
  expect(error).toBeLessThan(1e-8);
});
