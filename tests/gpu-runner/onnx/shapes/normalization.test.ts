import { describe, expect, it } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { bools, expectAsOrt, f32, infer, title, type NodeCase } from '../single-node.ts';

const statistics = [f32(3), f32(3), f32(3), f32(3)];
const ratio = { dtype: 'float32', dims: [], data: Float32Array.of(0.5) } as const;
const cases: NodeCase[] = [
  { op: 'BatchNormalization', inputs: [f32(2, 3, 4, 4), ...statistics] },
  { op: 'BatchNormalization', inputs: [f32(2, 3), ...statistics] },
  {
    op: 'BatchNormalization',
    inputs: [f32(2, 3, 4), ...statistics],
    attributes: { training_mode: int(1) },
    outputs: 3,
  },
  { op: 'Dropout', inputs: [f32(2, 3)] },
  { op: 'Dropout', inputs: [f32(2, 3), ratio, bools()], outputs: 2 },
];

describe('normalization rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('refuse statistics of other channels, and training outputs of a frozen BatchNormalization', () => {
    const wrong = [f32(3), f32(3), f32(4), f32(3)];
    expect(() => infer({ op: 'BatchNormalization', inputs: [f32(2, 3), ...wrong] })).toThrow(
      'channels of the input and of mean differ: 3 against 4',
    );
    expect(() => infer({ op: 'BatchNormalization', inputs: [f32(2, 3), ...statistics], outputs: 3 })).toThrow(
      'it has 3 outputs, only 1 are defined',
    );
  });
});
