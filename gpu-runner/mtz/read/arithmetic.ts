import type { Node } from '../../onnx/graph.ts';
import { withConstant } from './affine.ts';
import { clip } from './activations.ts';
import type { NodeReader, Reading, View } from './reading.ts';
import { Unreadable } from './unreadable.ts';

/** The element-by-element join of two computed values, or of one and a constant. */
const binary: NodeReader = (node, reading) => {
  const [first = '', second = ''] = node.inputs;
  const computed = [first, second].map((name) => reading.views.has(name));
  if (computed[0] && computed[1])
    return [join(node, node.op, reading.anyView(node, 0), reading.anyView(node, 1), reading)];
  const at = computed[0] ? 1 : 0;
  if (node.op !== 'Max' && node.op !== 'Min') return [withConstant(node, at, reading)];
  const { values } = reading.constant(node, at, 'constant');
  if (values.length !== 1) throw new Unreadable('its bound differs from channel to channel');
  const bound = values[0] ?? 0;
  const view = reading.view(node, 1 - at);
  return [clip(node, view, node.op === 'Max' ? [bound, null] : [null, bound], reading)];
};

/** Sum, Max and Min of any number of values: one after the other. */
const variadic: NodeReader = (node, reading) => {
  const op = node.op === 'Sum' ? 'Add' : node.op;
  const [first, ...others] = node.inputs;
  if (others.length === 0) return [reading.view(node, 0)];
  if (others.length === 1) return binary({ ...node, op }, reading);
  if (first === undefined) throw new Unreadable('it has no inputs');
  const views = node.inputs.map((_, index) => reading.view(node, index));
  return [views.reduce((sum, view) => join(node, op, sum, view, reading))];
};

function join(node: Node, op: string, a: View, b: View, reading: Reading): View {
  if (a.channelsLast !== b.channelsLast || a.squeezed !== b.squeezed || a.inLine !== b.inLine)
    throw new Unreadable('its inputs have their channels on different axes');
  if (a.order?.join() !== b.order?.join() || a.filters !== b.filters)
    throw new Unreadable('its inputs have their channels in different orders');
  const { draft } = reading;
  const [sizeA, sizeB] = [draft.value(a.value).size, draft.value(b.value).size];
  if (sizeA.length !== sizeB.length)
    throw new Unreadable(`it joins maps of ${sizeA.length} and ${sizeB.length} spatial axes`);
  const isPixel = (size: readonly number[]): boolean => size.every((length) => length === 1);
  if (a.inLine && sizeA.join() !== sizeB.join() && !isPixel(sizeA) && !isPixel(sizeB))
    throw new Unreadable(`it joins lines of ${sizeA.join('x')} and ${sizeB.join('x')} positions`);
  const size = sizeA.map((length, axis) => Math.max(length, sizeB[axis] ?? 1));
  return { ...a, value: draft.plain(reading.name(node), op, [a.value, b.value], size) };
}

export const arithmetic: Readonly<Record<string, NodeReader>> = {
  ...Object.fromEntries(['Add', 'Mul', 'Sub', 'Div'].map((op) => [op, binary])),
  ...Object.fromEntries(['Sum', 'Max', 'Min'].map((op) => [op, variadic])),
};
