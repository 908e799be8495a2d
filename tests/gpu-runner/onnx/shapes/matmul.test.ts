import { describe, expect, it } from 'vitest';
import { int } from '../../../../gpu-runner/onnx/graph.ts';
import { expectAsOrt, f32, infer, title, type NodeCase } from '../single-node.ts';

const cases: NodeCase[] = [
  { op: 'Gemm', inputs: [f32(2, 3), f32(3, 4), f32(4)] },
  { op: 'Gemm', inputs: [f32(3, 2), f32(4, 3)], attributes: { transA: int(1), transB: int(1) } },
  { op: 'Gemm', inputs: [f32(2, 3), f32(4, 3), f32(2, 1)], attributes: { transB: int(1) } },
  { op: 'MatMul', inputs: [f32(2, 3), f32(3, 4)] },
  { op: 'MatMul', inputs: [f32(5, 1, 2, 3), f32(4, 3, 4)] },
  { op: 'MatMul', inputs: [f32(3), f32(3, 4)] },
  { op: 'MatMul', inputs: [f32(5, 2, 3), f32(3)] },
  { op: 'MatMul', inputs: [f32(3), f32(3)] },
];

describe('matrix product rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('refuse inner dimensions that differ, ranks that are not two, a C that does not stretch', () => {
    expect(() => infer({ op: 'Gemm', inputs: [f32(2, 3), f32(4, 3)] })).toThrow(
      'inner dimensions differ: 3 against 4',
    );
    expect(() => infer({ op: 'Gemm', inputs: [f32(2, 3, 1), f32(3, 4)] })).toThrow(
      'input 0 must have 2 dimensions, got [2,3,1]',
    );
    expect(() => infer({ op: 'Gemm', inputs: [f32(1, 3), f32(3, 4), f32(2, 4)] })).toThrow(
      'C [2,4] does not stretch to [1,4]',
    );
    expect(() => infer({ op: 'MatMul', inputs: [f32(2, 3), f32(2, 3)] })).toThrow(
      'inner dimensions differ: 3 against 2',
    );
    expect(() => infer({ op: 'MatMul', inputs: [f32(), f32(3)] })).toThrow('cannot multiply [] by [3]');
    expect(() => infer({ op: 'MatMul', inputs: [f32(2, 2, 3), f32(3, 3, 4)] })).toThrow(
      'cannot broadcast [2] with [3]',
    );
  });
});
