import { intOf } from '../attributes.ts';
import { show, type ShapeRule } from './context.ts';
import { broadcast } from './elementwise.ts';

const gemm: ShapeRule = (context) => {
  const { dtype, dims: a } = context.ranked(0, 2);
  const { dims: b } = context.ranked(1, 2);
  context.alike();
  const [rows = null, inner = null] = intOf(context.node, 'transA', 0) === 0 ? a : [a[1], a[0]];
  const [depth = null, columns = null] = intOf(context.node, 'transB', 0) === 0 ? b : [b[1], b[0]];
  context.same(inner, depth, 'inner dimensions differ');
  const dims = [rows, columns];
  const bias = context.optional(2);
  if (
    bias &&
    (bias.dims.length > 2 ||
      broadcast(context, bias.dims, dims).some(
        (dim, axis) => typeof dim === 'number' && typeof dims[axis] === 'number' && dim !== dims[axis],
      ))
  ) {
    throw context.refuse(`C ${show(bias.dims)} does not stretch to ${show(dims)}`);
  }
  return [{ dtype, dims }];
};

/** NumPy's: batch dimensions broadcast, a rank-1 operand gets a one that is dropped again. */
const matmul: ShapeRule = (context) => {
  context.alike([0, 1]);
  const { dtype, dims: a } = context.type(0);
  const { dims: b } = context.type(1);
  if (a.length === 0 || b.length === 0) throw context.refuse(`cannot multiply ${show(a)} by ${show(b)}`);
  const inner = a.at(-1) ?? null;
  const depth = (b.length === 1 ? b[0] : b.at(-2)) ?? null;
  context.same(inner, depth, 'inner dimensions differ');
  const batch = broadcast(context, a.slice(0, -2), b.slice(0, -2));
  const rows = a.length === 1 ? [] : [a.at(-2) ?? null];
  const columns = b.length === 1 ? [] : [b.at(-1) ?? null];
  return [{ dtype, dims: [...batch, ...rows, ...columns] }];
};

export const matmuls: Record<string, ShapeRule> = { Gemm: gemm, MatMul: matmul };
