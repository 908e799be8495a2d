import { intsOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { show, type ShapeContext, type ShapeRule } from './context.ts';
import { slide, unslide, windowsOf, type Window } from './windows.ts';

function pooled(context: ShapeContext): { front: Dim[]; spatial: Dim[]; windows: Window[] } {
  const dims = context.dims(0);
  const kernel = intsOf(context.node, 'kernel_shape');
  if (!kernel) throw context.refuse('attribute "kernel_shape" is missing');
  if (dims.length !== kernel.length + 2) {
    throw context.refuse(`input ${show(dims)} does not fit a kernel of ${kernel.length} axes`);
  }
  return { front: dims.slice(0, 2), spatial: dims.slice(2), windows: windowsOf(context, kernel) };
}

const pool: ShapeRule = (context) => {
  const { front, spatial, windows } = pooled(context);
  const dims = [...front, ...windows.map((window, axis) => slide(context, spatial[axis] ?? null, window))];
  return [
    { dtype: context.type(0).dtype, dims },
    { dtype: 'int64', dims },
  ];
};

const maxUnpool: ShapeRule = (context) => {
  const { dtype } = context.type(0);
  if (context.has(2)) {
    const asked = context.integers(2);
    return [{ dtype, dims: asked ?? context.dims(0).map(() => null) }];
  }
  const { front, spatial, windows } = pooled(context);
  return [
    { dtype, dims: [...front, ...windows.map((window, axis) => unslide(spatial[axis] ?? null, window))] },
  ];
};

const global: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  if (dims.length < 3) throw context.refuse(`input must have at least 3 dimensions, got ${show(dims)}`);
  return [{ dtype, dims: dims.map((dim, axis) => (axis < 2 ? dim : 1)) }];
};

export const pooling: Record<string, ShapeRule> = {
  MaxPool: pool,
  AveragePool: (context) => pool(context).slice(0, 1),
  MaxUnpool: maxUnpool,
  GlobalAveragePool: global,
  GlobalMaxPool: global,
};
