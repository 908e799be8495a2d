import { describe, expect, it } from 'vitest';
import { int, type Dim } from '../../../../gpu-runner/onnx/graph.ts';
import { inferNode } from '../../../../gpu-runner/onnx/shapes.ts';
import { bools, expectAsOrt, f32, i64, infer, title, type NodeCase } from '../single-node.ts';

const unary = [
  ...[
    'Neg',
    'Exp',
    'Log',
    'Sqrt',
    'Abs',
    'Sign',
    'Reciprocal',
    'Erf',
    'Floor',
    'Ceil',
    'Identity',
    'Clip',
    'Relu',
  ],
  ...[
    'LeakyRelu',
    'Sigmoid',
    'HardSigmoid',
    'HardSwish',
    'Tanh',
    'Softmax',
    'LogSoftmax',
    'Elu',
    'Selu',
    'Gelu',
    'Softplus',
    'Mish',
    'Celu',
    'Softsign',
    'ThresholdedRelu',
  ],
];
const cases: NodeCase[] = [
  ...unary.map((op) => ({ op, inputs: [f32(2, 3, 4)] })),
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min'].map((op) => ({
    op,
    inputs: [f32(4, 1, 3), f32(2, 1)],
  })),
  ...['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'].map((op) => ({
    op,
    inputs: [f32(2, 3), f32(1)],
  })),
  ...['And', 'Or'].map((op) => ({ op, inputs: [bools(2, 3), bools(3)] })),
  { op: 'Max', inputs: [f32(3), f32(2, 1), f32(4, 1, 1)] },
  { op: 'Sum', inputs: [f32(3), f32(2, 1)] },
  { op: 'PRelu', inputs: [f32(2, 3, 4), f32(3, 1)] },
  { op: 'Mod', inputs: [f32(2, 3), f32(3)], attributes: { fmod: int(1) } },
  { op: 'Mod', inputs: [i64([7, -7]), i64([3])] },
  { op: 'Pow', inputs: [f32(2, 3), i64([2])] },
  { op: 'Add', inputs: [f32(0, 3), f32(1, 3)] },
  { op: 'Add', inputs: [f32(), f32(2)] },
  { op: 'Not', inputs: [bools(2, 3)] },
  { op: 'Where', inputs: [bools(2, 1), f32(3), f32(4, 1, 1)] },
  { op: 'CastLike', inputs: [f32(2, 3), i64([3, 4])] },
  { op: 'Cast', inputs: [f32(2, 3)], attributes: { to: int(7) } },
  { op: 'Cast', inputs: [f32(2, 3)], attributes: { to: int(10) } },
  { op: 'CumSum', inputs: [f32(2, 3), i64([1], [])] },
  { op: 'Trilu', inputs: [f32(2, 3, 4), i64([1], [])] },
  { op: 'Softmax', inputs: [f32(2, 3, 4)], attributes: { axis: int(-2) } },
];

describe('elementwise rules', () => {
  it.each(cases.map((given) => [title(given), given] as const))(
    '%s is as ONNX Runtime computes',
    async (_, given) => {
      await expectAsOrt(given);
    },
  );

  it('keep a symbol that meets one or itself, take a number over a symbol, and know nothing of two symbols', () => {
    const node = { name: 'sum', op: 'Add', domain: '', inputs: ['a', 'b'], outputs: ['c'], attributes: {} };
    const of = (a: Dim[], b: Dim[]) => {
      const types = [a, b].map((dims) => ({ dtype: 'float32' as const, dims }));
      return inferNode(node, types, () => undefined)[0]?.dims;
    };
    expect(of(['N', 3], [1, 3])).toEqual(['N', 3]);
    expect(of(['N', 3], ['N', 1])).toEqual(['N', 3]);
    expect(of(['N'], [4])).toEqual([4]);
    expect(of([null], [1])).toEqual([null]);
    expect(of(['N'], ['M'])).toEqual([null]);
  });

  it('refuse shapes that do not stretch over each other, mixed types, a condition that is not bool', () => {
    expect(() => infer({ op: 'Add', inputs: [f32(2, 3), f32(2)] })).toThrow(
      'cannot broadcast [2,3] with [2]',
    );
    expect(() => infer({ op: 'Add', inputs: [f32(2), i64([1, 2])] })).toThrow(
      'one element type, got float32 and int64',
    );
    expect(() => infer({ op: 'Where', inputs: [f32(2), f32(2), f32(2)] })).toThrow(
      'input 0 must be bool, got float32',
    );
    expect(() => infer({ op: 'Cast', inputs: [f32(2)] })).toThrow('"to" is missing');
    expect(() => infer({ op: 'Cast', inputs: [f32(2)], attributes: { to: int(14) } })).toThrow(
      'data type 14 is not supported',
    );
    expect(() => infer({ op: 'Softmax', inputs: [f32(2, 3)], attributes: { axis: int(2) } })).toThrow(
      'axis 2 is outside a rank of 2',
    );
    expect(() => infer({ op: 'Add', inputs: [f32(2), null] })).toThrow('input 1 is missing');
  });
});
