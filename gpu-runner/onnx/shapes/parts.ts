import { intOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { show, withDim, type ShapeRule } from './context.ts';

const concat: ShapeRule = (context) => {
  const types = context.alike();
  const first = context.type(0);
  const given = intOf(context.node, 'axis');
  if (given === undefined) throw context.refuse('attribute "axis" is missing');
  const axis = context.axis(given, first.dims.length);
  let total: number | null = 0;
  let dims = [...first.dims];
  for (const type of types) {
    if (type.dims.length !== dims.length)
      throw context.refuse(`cannot join ${show(first.dims)} and ${show(type.dims)}`);
    const along = type.dims[axis];
    total = typeof along === 'number' && total !== null ? total + along : null;
    dims = dims.map((dim, at) =>
      at === axis ? dim : context.same(dim, type.dims[at] ?? null, `dimension ${at} differs between inputs`),
    );
  }
  const only = types.length === 1 ? (first.dims[axis] ?? null) : total;
  return [{ dtype: first.dtype, dims: withDim(dims, axis, only) }];
};

const split: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const axis = context.axis(intOf(context.node, 'axis', 0), dims.length);
  const size = dims[axis] ?? null;
  const count = context.node.outputs.length;
  if (context.has(1)) {
    const sizes = context.integers(1);
    if (sizes && sizes.length !== count) throw context.refuse(`${sizes.length} sizes for ${count} outputs`);
    const known =
      sizes?.every((part) => typeof part === 'number') === true
        ? sizes.reduce((sum, part) => sum + part, 0)
        : null;
    context.same(size, known, `axis ${axis} and the sum of the split sizes differ`);
    return Array.from({ length: count }, (_, part) => ({
      dtype,
      dims: withDim(dims, axis, sizes?.[part] ?? null),
    }));
  }
  const parts = intOf(context.node, 'num_outputs', count);
  if (parts !== count) throw context.refuse(`num_outputs is ${parts}, the node has ${count} outputs`);
  const chunk = typeof size === 'number' ? Math.ceil(size / count) : null;
  return Array.from({ length: count }, (_, part) => {
    const left =
      typeof size === 'number' && chunk !== null ? Math.max(0, Math.min(chunk, size - part * chunk)) : null;
    return { dtype, dims: withDim(dims, axis, left) };
  });
};

/** How many elements `start:end:step` takes of `size`, with NumPy's clamping. */
export function sliceLength(size: number, start: number, end: number, step: number): number {
  const clamp = (index: number): number => {
    const at = index < 0 ? index + size : index;
    return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, -1), size - 1);
  };
  return Math.max(0, Math.ceil((clamp(end) - clamp(start)) / step));
}

const slice: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const [starts, ends] = [context.integers(1), context.integers(2)];
  const count = starts?.length ?? ends?.length ?? context.dims(1)[0];
  if (typeof count !== 'number') throw context.refuse('the number of sliced axes is unknown');
  const axes = context.axes(
    context.has(3) ? context.knownIntegers(3, 'axes') : Array.from({ length: count }, (_, axis) => axis),
    dims.length,
  );
  const steps = context.has(4) ? context.integers(4) : Array<number>(axes.length).fill(1);
  if (axes.length !== count) throw context.refuse(`${count} starts for ${axes.length} axes`);
  let result: Dim[] = [...dims];
  for (const [index, axis] of axes.entries()) {
    const [size, start, end, step] = [dims[axis], starts?.[index], ends?.[index], steps?.[index]];
    if (step === 0) throw context.refuse('a step of 0');
    const known = typeof start === 'number' && typeof end === 'number' && typeof step === 'number';
    // `start:` of a symbolic size from 0 to the end keeps the symbol.
    const whole = known && start === 0 && step === 1 && (end >= 2 ** 31 - 1 || end === size);
    const length = known && typeof size === 'number' ? sliceLength(size, start, end, step) : null;
    result = withDim(result, axis, whole ? (size ?? null) : length);
  }
  return [{ dtype, dims: result }];
};

const pad: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const axes = context.has(3)
    ? context.axes(context.knownIntegers(3, 'axes'), dims.length)
    : [...dims.keys()];
  const pads = context.integers(1);
  if (pads && pads.length !== 2 * axes.length)
    throw context.refuse(`${pads.length} pads for ${axes.length} axes`);
  let result: Dim[] = [...dims];
  for (const [index, axis] of axes.entries()) {
    const [size, before, after] = [dims[axis] ?? null, pads?.[index], pads?.[index + axes.length]];
    const grown =
      before === 0 && after === 0
        ? size
        : typeof size === 'number' && typeof before === 'number' && typeof after === 'number'
          ? size + before + after
          : null;
    if (typeof grown === 'number' && grown < 0)
      throw context.refuse(`pads take more than axis ${axis} has (${size ?? '?'})`);
    result = withDim(result, axis, grown);
  }
  return [{ dtype, dims: result }];
};

export const parts: Record<string, ShapeRule> = { Concat: concat, Split: split, Slice: slice, Pad: pad };
