import { intOf } from '../attributes.ts';
import type { Dim, TensorType } from '../graph.ts';
import { show, type ShapeContext, type ShapeRule } from './context.ts';

/** The dims of values stretched over each other as NumPy does, aligned at the last dimension. */
export function broadcast(context: ShapeContext, ...shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    let result: Dim = 1;
    for (const dims of shapes) {
      const dim = dims[axis - rank + dims.length];
      if (dim === undefined || dim === 1 || dim === result) continue;
      if (result === 1) result = dim;
      else if (typeof dim === 'number' && typeof result === 'number') {
        throw context.refuse(`cannot broadcast ${shapes.map(show).join(' with ')}`);
      } else if (typeof dim === 'number') result = dim;
      else if (typeof result !== 'number') result = null;
    }
    return result;
  });
}

const unary: ShapeRule = (context) => [context.type(0)];

const binary: ShapeRule = (context) => {
  const [a, b] = context.alike([0, 1]);
  if (!a || !b) throw context.refuse('it needs two inputs');
  return [{ dtype: a.dtype, dims: broadcast(context, a.dims, b.dims) }];
};

const variadic: ShapeRule = (context) => {
  const types = context.alike();
  const { dtype } = context.type(0);
  return [{ dtype, dims: broadcast(context, ...types.map(({ dims }) => dims)) }];
};

const compare: ShapeRule = (context) => {
  const [a, b] = context.alike([0, 1]);
  if (!a || !b) throw context.refuse('it needs two inputs');
  return [{ dtype: 'bool', dims: broadcast(context, a.dims, b.dims) }];
};

function boolean(context: ShapeContext, index: number): TensorType {
  const type = context.type(index);
  if (type.dtype !== 'bool') throw context.refuse(`input ${index} must be bool, got ${type.dtype}`);
  return type;
}

const logical: ShapeRule = (context) => [
  { dtype: 'bool', dims: broadcast(context, boolean(context, 0).dims, boolean(context, 1).dims) },
];

const where: ShapeRule = (context) => {
  const [a, b] = context.alike([1, 2]);
  if (!a || !b) throw context.refuse('it needs three inputs');
  return [{ dtype: a.dtype, dims: broadcast(context, boolean(context, 0).dims, a.dims, b.dims) }];
};

const onAxis: ShapeRule = (context) => {
  const type = context.type(0);
  context.axis(intOf(context.node, 'axis', -1), type.dims.length);
  return [type];
};

const unaryOperators = [
  ...['Neg', 'Exp', 'Log', 'Sqrt', 'Abs', 'Sign', 'Reciprocal', 'Erf', 'Floor', 'Ceil', 'Identity', 'Clip'],
  ...['Relu', 'LeakyRelu', 'Sigmoid', 'HardSigmoid', 'HardSwish', 'Tanh', 'Elu', 'Selu', 'Gelu', 'Softplus'],
  ...['Mish', 'Celu', 'Softsign', 'ThresholdedRelu'],
  ...['CumSum', 'Trilu'],
];

export const elementwise: Record<string, ShapeRule> = {
  ...Object.fromEntries(unaryOperators.map((op) => [op, unary])),
  Softmax: onAxis,
  LogSoftmax: onAxis,
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Mod: binary,
  PRelu: binary,
  Pow: (context) => [
    { dtype: context.type(0).dtype, dims: broadcast(context, context.dims(0), context.dims(1)) },
  ],
  Max: variadic,
  Min: variadic,
  Sum: variadic,
  Equal: compare,
  Less: compare,
  LessOrEqual: compare,
  Greater: compare,
  GreaterOrEqual: compare,
  And: logical,
  Or: logical,
  Not: (context) => [boolean(context, 0)],
  Where: where,
  CastLike: (context) => [{ dtype: context.type(1).dtype, dims: context.dims(0) }],
  Cast: (context) => {
    const to = intOf(context.node, 'to');
    if (to === undefined) throw context.refuse('attribute "to" is missing');
    return [{ dtype: context.dtypeOfCode(to), dims: context.dims(0) }];
  },
};
