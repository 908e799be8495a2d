import { intOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import type { ShapeContext, ShapeRule } from './context.ts';

function collapse(context: ShapeContext, axes: readonly number[]): Dim[] {
  const dims = context.dims(0);
  const keep = intOf(context.node, 'keepdims', 1) !== 0;
  return dims.flatMap((dim, axis) => (!axes.includes(axis) ? [dim] : keep ? [1] : []));
}

const reduce: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const given = context.has(1) ? context.knownIntegers(1, 'axes') : [];
  if (given.length === 0 && intOf(context.node, 'noop_with_empty_axes', 0) !== 0) return [{ dtype, dims }];
  const axes = given.length === 0 ? [...dims.keys()] : context.axes(given, dims.length);
  return [{ dtype, dims: collapse(context, axes) }];
};

const arg: ShapeRule = (context) => {
  const axis = context.axis(intOf(context.node, 'axis', 0), context.dims(0).length);
  return [{ dtype: 'int64', dims: collapse(context, [axis]) }];
};

export const reduction: Record<string, ShapeRule> = {
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSumSquare: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ArgMax: arg,
  ArgMin: arg,
};
