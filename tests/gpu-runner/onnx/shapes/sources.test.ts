import { describe, expect, it } from 'vitest';
import { int, ints } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const scalar = (value: number) => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) }) as const;
const cases: NodeCase[] = [
  { op: 'Constant', inputs: [], attributes: { value: { type: 'tensor', value: f32(2, 3) } } },
  { op: 'ConstantOfShape', inputs: [i64([2, 3])] },
  { op: 'ConstantOfShape', inputs: [i64([])], attributes: { value: { type: 'tensor', value: i64([7]) } } },
  { op: 'Shape', inputs: [f32(2, 3, 4)] },
  { op: 'Shape', inputs: [f32(2, 3, 4)], attributes: { start: int(-2), end: int(10) } },
  { op: 'Shape', inputs: [f32(2, 3, 4)], attributes: { end: int(-1) } },
  { op: 'Size', inputs: [f32(2, 3)] },
  { op: 'Range', inputs: [i64([0], []), i64([10], []), i64([3], [])] },
  { op: 'Range', inputs: [i64([5], []), i64([0], []), i64([-2], [])] },
  { op: 'Range', inputs: [scalar(0), scalar(1), scalar(0.3)] },
  { op: 'RandomUniform', inputs: [], attributes: { shape: ints([2, 3]) } },
  { op: 'RandomNormal', inputs: [], attributes: { shape: ints([4]), dtype: int(11) } },
  { op: 'RandomUniformLike', inputs: [f32(2, 3)] },
  { op: 'RandomNormalLike', inputs: [f32(2, 3)], attributes: { dtype: int(11) } },
];

describe('source rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('refuse a range that does not move and sources without a size', () => {
    expect(() => infer({ op: 'Range', inputs: [i64([0], []), i64([1], []), i64([0], [])] })).toThrow(
      'a step of 0',
    );
    expect(() => infer({ op: 'RandomUniform', inputs: [] })).toThrow('"shape" is missing');
    expect(() => infer({ op: 'Constant', inputs: [] })).toThrow('"value" must be a tensor');
  });
});
