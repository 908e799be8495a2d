import { describe, expect, it } from 'vitest';
import { int, ints, type Dim } from '../../../../gpu-runner/onnx/graph.ts';
import { inferNode } from '../../../../gpu-runner/onnx/shapes.ts';
import { expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const cases: NodeCase[] = [
  { op: 'Flatten', inputs: [f32(2, 3, 4)] },
  { op: 'Flatten', inputs: [f32(2, 3, 4)], attributes: { axis: int(-1) } },
  { op: 'Flatten', inputs: [f32(2, 3, 4)], attributes: { axis: int(0) } },
  { op: 'Flatten', inputs: [f32(2, 3, 4)], attributes: { axis: int(3) } },
  { op: 'Reshape', inputs: [f32(2, 3, 4), i64([4, 6])] },
  { op: 'Reshape', inputs: [f32(2, 3, 4), i64([0, -1])] },
  { op: 'Reshape', inputs: [f32(2, 3, 4), i64([-1, 12])] },
  { op: 'Reshape', inputs: [f32(2, 3, 4), i64([0, 0, 2, -1])] },
  { op: 'Reshape', inputs: [f32(1), i64([])] },
  { op: 'Reshape', inputs: [f32(0, 3), i64([3, 0])], attributes: { allowzero: int(1) } },
  { op: 'Transpose', inputs: [f32(2, 3, 4)] },
  { op: 'Transpose', inputs: [f32(2, 3, 4)], attributes: { perm: ints([1, 2, 0]) } },
  { op: 'Squeeze', inputs: [f32(2, 1, 3, 1)] },
  { op: 'Squeeze', inputs: [f32(2, 1, 3, 1), i64([-1])] },
  { op: 'Unsqueeze', inputs: [f32(2, 3), i64([0, -1])] },
  { op: 'Unsqueeze', inputs: [f32(2, 3), i64([2, 1])] },
  { op: 'Expand', inputs: [f32(2, 1, 3), i64([4, 3])] },
  { op: 'Expand', inputs: [f32(3), i64([2, 2, 1])] },
  { op: 'Tile', inputs: [f32(2, 3), i64([2, 4])] },
];

describe('layout rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('keep a symbolic batch through Flatten and Reshape where it is not mixed with other dimensions', () => {
    const of = (op: string, dims: readonly Dim[], shape: readonly number[]) => {
      const node = { name: 'node', op, domain: '', inputs: ['x', 'shape'], outputs: ['y'], attributes: {} };
      const types = [{ dtype: 'float32', dims } as const, { dtype: 'int64', dims: [shape.length] } as const];
      return inferNode(node, types, () => i64(shape))[0]?.dims;
    };
    expect(of('Flatten', ['N', 16, 5, 5], [])).toEqual(['N', 400]);
    expect(of('Reshape', ['N', 16, 5, 5], [-1, 400])).toEqual(['N', 400]);
    expect(of('Reshape', ['N', 16, 5, 5], [0, -1])).toEqual(['N', 400]);
    expect(of('Reshape', ['N', 16], [-1, 8])).toEqual([null, 8]);
    expect(of('Reshape', ['N', 'M', 2], [-1, 2])).toEqual([null, 2]);
    expect(of('Expand', ['N', 1], [1, 3])).toEqual(['N', 3]);
    expect(of('Tile', ['N', 2], [1, 3])).toEqual(['N', 6]);
  });

  it('know the rank alone where the shape is not constant, and refuse one that no value has', () => {
    const of = (op: string, rank: Dim) => {
      const node = { name: 'node', op, domain: '', inputs: ['x', 'shape'], outputs: ['y'], attributes: {} };
      const types = [{ dtype: 'float32', dims: [6] } as const, { dtype: 'int64', dims: [rank] } as const];
      return inferNode(node, types, () => undefined)[0]?.dims;
    };
    expect(of('Reshape', 3)).toEqual([null, null, null]);
    expect(of('Expand', 2)).toEqual([null, 6]);
    for (const rank of ['R', null, 1e9]) {
      expect(() => of('Reshape', rank)).toThrow('the rank of its output is unknown');
    }
  });

  it('refuse sizes that do not go together and shapes that are none', () => {
    expect(() => infer({ op: 'Reshape', inputs: [f32(2, 3), i64([4])] })).toThrow(
      'cannot reshape [2,3] to [4]',
    );
    expect(() => infer({ op: 'Reshape', inputs: [f32(2, 3), i64([4, -1])] })).toThrow(
      'cannot reshape [2,3] to',
    );
    expect(() => infer({ op: 'Reshape', inputs: [f32(2, 3), i64([-1, -1])] })).toThrow(
      'shape [-1,-1] is not a shape',
    );
    expect(() => infer({ op: 'Reshape', inputs: [f32(6), i64([6, 0])] })).toThrow(
      'copies dimension 1 of [6]',
    );
    expect(() => infer({ op: 'Transpose', inputs: [f32(2, 3)], attributes: { perm: ints([0, 0]) } })).toThrow(
      'perm [0,0]',
    );
    expect(() => infer({ op: 'Squeeze', inputs: [f32(2, 3), i64([1])] })).toThrow(
      'axis 1 cannot be squeezed: 3 against 1',
    );
    expect(() => infer({ op: 'Flatten', inputs: [f32(2, 3)], attributes: { axis: int(3) } })).toThrow(
      'axis 3 is outside',
    );
    expect(() => infer({ op: 'Tile', inputs: [f32(2, 3), i64([2])] })).toThrow('repeats [2] against [2,3]');
  });
});
