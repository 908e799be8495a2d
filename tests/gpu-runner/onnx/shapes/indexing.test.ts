import { describe, expect, it } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const cases: NodeCase[] = [
  { op: 'Gather', inputs: [f32(4, 3), i64([0, 2, 1, 3, 0, 1], [2, 3])] },
  { op: 'Gather', inputs: [f32(4, 3), i64([1], [])], attributes: { axis: int(-1) } },
  { op: 'GatherElements', inputs: [f32(3, 3), i64([0, 1, 2, 0, 1, 2], [2, 3])] },
  {
    op: 'ScatterElements',
    inputs: [f32(3, 3), i64([0, 1, 2, 0, 1, 2], [2, 3]), f32(2, 3)],
    attributes: { axis: int(0) },
  },
  { op: 'ScatterND', inputs: [f32(4, 3), i64([1, 3], [2, 1]), f32(2, 3)] },
  { op: 'OneHot', inputs: [i64([0, 2, 1]), i64([3], []), f32(2)] },
  { op: 'OneHot', inputs: [i64([0, 2, 1]), i64([3], [1]), f32(2)], attributes: { axis: int(0) } },
];

describe('indexing rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('refuse indices that are not integers, axes outside the rank, updates of another shape', () => {
    expect(() => infer({ op: 'Gather', inputs: [f32(4, 3), f32(2)] })).toThrow(
      'indices must be int32 or int64, got float32',
    );
    expect(() => infer({ op: 'Gather', inputs: [f32(4), i64([0])], attributes: { axis: int(1) } })).toThrow(
      'axis 1 is outside',
    );
    expect(() => infer({ op: 'GatherElements', inputs: [f32(4, 3), i64([0])] })).toThrow(
      'input 1 must have 2 dimensions',
    );
    expect(() => infer({ op: 'ScatterElements', inputs: [f32(4), i64([0, 1]), f32(3)] })).toThrow(
      'indices [2] and updates [3] differ',
    );
  });
});
