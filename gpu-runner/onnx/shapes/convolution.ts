import { intOf, intsOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { show, type ShapeContext, type ShapeRule } from './context.ts';
import { slide, unslide, windowsOf, type Window } from './windows.ts';

interface Operands {
  readonly x: readonly Dim[];
  readonly w: readonly Dim[];
  readonly group: number;
  readonly windows: readonly Window[];
}

function operands(context: ShapeContext): Operands {
  const x = context.dims(0);
  const w = context.dims(1);
  context.alike([0, 1]);
  if (x.length < 3 || w.length !== x.length) {
    throw context.refuse(`input ${show(x)} and weight ${show(w)} must have the same rank, at least 3`);
  }
  const spatial = w.slice(2).map((dim) => {
    if (typeof dim !== 'number') throw context.refuse(`the kernel size of weight ${show(w)} is unknown`);
    return dim;
  });
  const kernel = intsOf(context.node, 'kernel_shape', spatial);
  if (kernel.join() !== spatial.join()) {
    throw context.refuse(`kernel_shape [${kernel.join()}] differs from weight ${show(w)}`);
  }
  const group = intOf(context.node, 'group', 1);
  if (group < 1) throw context.refuse(`group must be at least 1, got ${group}`);
  return { x, w, group, windows: windowsOf(context, kernel) };
}

function checkBias(context: ShapeContext, channels: Dim): void {
  if (!context.has(2)) return;
  const [bias = null] = context.ranked(2, 1).dims;
  context.same(bias, channels, 'bias against output channels');
}

const conv: ShapeRule = (context) => {
  const { x, w, group, windows } = operands(context);
  const [batch = null, channels = null, ...spatial] = x;
  const [out = null, perGroup = null] = w;
  if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * group) {
    throw context.refuse(`input has ${channels} channels, weight expects ${perGroup * group}`);
  }
  if (typeof out === 'number' && out % group !== 0)
    throw context.refuse(`${out} output channels in ${group} groups`);
  checkBias(context, out);
  const dims = windows.map((window, axis) => slide(context, spatial[axis] ?? null, window));
  return [{ dtype: context.type(0).dtype, dims: [batch, out, ...dims] }];
};

const convTranspose: ShapeRule = (context) => {
  const { x, w, group, windows } = operands(context);
  const [batch = null, channels = null, ...spatial] = x;
  const [from = null, perGroup = null] = w;
  context.same(channels, from, 'input channels against weight rows');
  if (typeof channels === 'number' && channels % group !== 0)
    throw context.refuse(`${channels} input channels in ${group} groups`);
  const out = typeof perGroup === 'number' ? perGroup * group : null;
  checkBias(context, out);
  const padding = intsOf(context.node, 'output_padding', []);
  const asked = intsOf(context.node, 'output_shape');
  // Some writers give output_shape with the batch and channels in front.
  const sizes: readonly Dim[] =
    asked?.slice(-windows.length) ??
    windows.map((window, axis) => unslide(spatial[axis] ?? null, window, padding[axis]));
  if (sizes.length !== windows.length || sizes.some((size) => typeof size === 'number' && size < 1)) {
    throw context.refuse(`its output would have spatial size ${show(sizes)}`);
  }
  return [{ dtype: context.type(0).dtype, dims: [batch, out, ...sizes] }];
};

export const convolution: Record<string, ShapeRule> = { Conv: conv, ConvTranspose: convTranspose };
