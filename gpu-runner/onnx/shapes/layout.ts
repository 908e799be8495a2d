import { intOf, intsOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { product, show, type ShapeContext, type ShapeRule } from './context.ts';
import { broadcast } from './elementwise.ts';

/** One dimension for several: their product, or the only unknown one where the rest are ones. */
function merge(dims: readonly Dim[]): Dim {
  const wide = dims.filter((dim) => dim !== 1);
  return wide.length === 1 ? (wide[0] ?? null) : product(dims);
}

const flatten: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const given = intOf(context.node, 'axis', 1);
  const axis = given === dims.length ? given : context.axis(given, dims.length);
  return [{ dtype, dims: [merge(dims.slice(0, axis)), merge(dims.slice(axis))] }];
};

/** What -1 stands for: the input's dimensions over the other ones, equal symbols cancelled. */
function remainder(context: ShapeContext, dims: readonly Dim[], others: readonly Dim[]): Dim {
  const left = [...dims];
  const right: Dim[] = [];
  for (const dim of others) {
    const at = typeof dim === 'string' ? left.indexOf(dim) : -1;
    if (at >= 0) left.splice(at, 1);
    else right.push(dim);
  }
  const divisor = product(right);
  if (divisor === null) return null;
  const numbers = left.filter((dim) => typeof dim === 'number');
  const rest = left.filter((dim) => typeof dim !== 'number');
  const size = (product(numbers) ?? 0) / divisor;
  if (rest.length === 0 && !Number.isInteger(size))
    throw context.refuse(`cannot reshape ${show(dims)} to ${show([-1, ...others])}`);
  if (rest.length === 0) return size;
  return rest.length === 1 && size === 1 ? (rest[0] ?? null) : null;
}

const reshape: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const wanted = context.integers(1);
  if (!wanted) return [{ dtype, dims: context.unknownDims(1) }];
  const copyZero = intOf(context.node, 'allowzero', 0) === 0;
  const target = wanted.map((dim, axis) => {
    if (dim !== 0 || !copyZero) return dim;
    const copied = dims[axis];
    if (copied === undefined)
      throw context.refuse(`shape ${show(wanted)} copies dimension ${axis} of ${show(dims)}`);
    return copied;
  });
  if (
    target.some((dim) => typeof dim === 'number' && dim < -1) ||
    target.filter((dim) => dim === -1).length > 1
  ) {
    throw context.refuse(`shape ${show(wanted)} is not a shape`);
  }
  const others = target.filter((dim) => dim !== -1);
  const result = target.map((dim) => (dim === -1 ? remainder(context, dims, others) : dim));
  const [before, after] = [product(dims), product(result)];
  if (before !== null && after !== null && before !== after) {
    throw context.refuse(`cannot reshape ${show(dims)} to ${show(wanted)}`);
  }
  return [{ dtype, dims: result }];
};

const transpose: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const perm = intsOf(context.node, 'perm', [...dims.keys()].reverse());
  if (perm.toSorted((a, b) => a - b).join() !== [...dims.keys()].join()) {
    throw context.refuse(`perm [${perm.join()}] is not an order of the axes of ${show(dims)}`);
  }
  return [{ dtype, dims: perm.map((axis) => dims[axis] ?? null) }];
};

const squeeze: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const axes = context.has(1)
    ? context.axes(context.knownIntegers(1, 'axes'), dims.length)
    : [...dims.keys()].filter((axis) => dims[axis] === 1);
  for (const axis of axes) context.same(dims[axis] ?? null, 1, `axis ${axis} cannot be squeezed`);
  return [{ dtype, dims: dims.filter((_, axis) => !axes.includes(axis)) }];
};

const unsqueeze: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const given = context.knownIntegers(1, 'axes');
  const rank = dims.length + given.length;
  const axes = context.axes(given, rank);
  const old = dims.values();
  return [
    {
      dtype,
      dims: Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : (old.next().value ?? null))),
    },
  ];
};

const expand: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const target = context.integers(1) ?? context.unknownDims(1);
  return [{ dtype, dims: broadcast(context, dims, target) }];
};

const tile: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const repeats = context.integers(1);
  if (repeats && repeats.length !== dims.length)
    throw context.refuse(`repeats ${show(repeats)} against ${show(dims)}`);
  return [{ dtype, dims: dims.map((dim, axis) => merge([dim, repeats?.[axis] ?? null])) }];
};

export const layout: Record<string, ShapeRule> = {
  Flatten: flatten,
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Tile: tile,
};
