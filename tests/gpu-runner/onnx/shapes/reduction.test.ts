import { describe, expect, it } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { inferNode } from '../../../../gpu-runner/onnx/shapes.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const operators = [
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
  'ReduceL1',
  'ReduceL2',
];
const cases: NodeCase[] = [
  ...operators.map((op) => ({ op, inputs: [f32(2, 3, 4), i64([-1, 0])], attributes: { keepdims: int(0) } })),
  { op: 'ReduceSum', inputs: [f32(2, 3, 4), i64([1])] },
  { op: 'ReduceSum', inputs: [f32(2, 3, 4)] },
  { op: 'ReduceMean', inputs: [f32(2, 3, 4)], attributes: { keepdims: int(0) } },
  { op: 'ReduceSum', inputs: [f32(2, 3, 4), i64([])], attributes: { noop_with_empty_axes: int(1) } },
  { op: 'ReduceSum', inputs: [f32(2, 3), i64([])] },
  { op: 'ArgMax', inputs: [f32(2, 3, 4)], attributes: { axis: int(-1), keepdims: int(0) } },
  { op: 'ArgMax', inputs: [f32(2, 3, 4)] },
  { op: 'ArgMin', inputs: [f32(2, 3, 4)], attributes: { axis: int(1) } },
];

describe('reduction rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('refuse axes outside the rank, named twice or not constant', () => {
    expect(() => infer({ op: 'ReduceSum', inputs: [f32(2, 3), i64([2])] })).toThrow(
      'axis 2 is outside a rank of 2',
    );
    expect(() => infer({ op: 'ReduceSum', inputs: [f32(2, 3), i64([1, -1])] })).toThrow(
      'axes 1,-1 name one dimension twice',
    );
    const node = {
      name: 'sum',
      op: 'ReduceSum',
      domain: '',
      inputs: ['x', 'axes'],
      outputs: ['y'],
      attributes: {},
    };
    const types = [{ dtype: 'float32', dims: [2, 3] } as const, { dtype: 'int64', dims: [1] } as const];
    expect(() => inferNode(node, types, () => undefined)).toThrow('axes (input 1) must be constant');
  });
});
