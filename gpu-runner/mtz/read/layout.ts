import { elementCount } from '../../../shared/tensor.ts';
import { intsOf } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/graph.ts';
import { filterOrder } from './filters.ts';
import { viewOf, type NodeReader, type Reading, type View } from './reading.ts';
import { Unreadable } from './unreadable.ts';

/** Flatten, Reshape, Squeeze, Unsqueeze: what makes vectors or lines of maps, and maps of lines or of vectors of one pixel. */
const reshape: NodeReader = (node, reading) => {
  const view = reading.anyView(node, 0);
  const from = reading.dims(node.inputs[0]);
  const to = reading.dims(node.outputs[0]);
  const change = `[${from.join()}] to [${to.join()}]`;
  if (reading.batch(node.inputs[0]) !== reading.batch(node.outputs[0]))
    throw new Unreadable(`it changes the batch while it turns ${change}`);
  if (from.join() === to.join()) return [view];
  if (to.length === 1 && to[0] === elementCount(from)) return [flatView(node, view, reading)];
  if (view.filters > 1)
    throw new Unreadable(`it turns ${change} with ${view.filters} filters of each channel beside each other`);
  const { size } = reading.draft.value(view.value);
  const isMap = !view.channelsLast && !view.squeezed && !view.order;
  if (isMap && from[0] === to[0] && size.length > 1) {
    if (!view.inLine && to.length === 2) return [{ ...view, inLine: true }];
    if (view.inLine && to.slice(1).join() === size.join()) return [{ ...view, inLine: false }];
  }
  if (view.squeezed && to.length === size.length + 1) {
    if (to.slice(1).every((length) => length === 1)) return [{ ...view, squeezed: false }];
    if (to.slice(0, -1).every((length) => length === 1))
      return [{ ...view, squeezed: false, channelsLast: true }];
  }
  if (view.squeezed && size.length > 1 && to.length === 2 && to[1] === 1)
    return [{ ...view, squeezed: false, inLine: true }];
  throw new Unreadable(`it turns ${change}; only flattening each sample can be zipped`);
};

/** A map as a vector, in the order in which the tensor has its elements. */
export function flatView(node: Node, view: View, reading: Reading): View {
  const { draft } = reading;
  const { size } = draft.value(view.value);
  const area = elementCount(size);
  const { filters } = view;
  if (filters > 1 && (view.channelsLast || view.squeezed || reading.isMapLater(node.outputs[0])))
    throw new Unreadable(`it flattens ${filters} filters of each channel that lie otherwise than in a map`);
  if (area === 1 && reading.isMapLater(node.outputs[0]))
    return { ...view, channelsLast: false, inLine: false, squeezed: true };
  const order = view.channelsLast && area > 1 ? lastOrder : filters > 1 ? filtersOrder : null;
  const channels = draft.elements(view.value);
  const value = draft.flatten(reading.name(node), view.value);
  return { ...viewOf(value), order: order && order(channels, area, filters) };
}

/** Where the elements of a map with its channels last are in the value. */
const lastOrder = (channels: number, area: number): Int32Array =>
  Int32Array.from({ length: channels * area }, (_, at) => (at % channels) * area + Math.floor(at / channels));

/** Where those of a map with several filters of each channel beside each other are. */
function filtersOrder(channels: number, area: number, filters: number): Int32Array {
  const order = new Int32Array(channels * area);
  filterOrder(channels, filters).forEach((channel, at) => {
    for (let k = 0; k < area; k += 1) order[channel * area + k] = at * area + k;
  });
  return order;
}

/** Between channels first and channels last. */
const transpose: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  const { rank } = reading.axes(view);
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const perm = intsOf(node, 'perm') ?? axes.toReversed();
  if (perm.join() === axes.join()) return [view];
  const toLast = [0, ...axes.slice(2), 1];
  const toFirst = [0, rank - 1, ...axes.slice(1, -1)];
  if (
    !view.squeezed &&
    !view.inLine &&
    rank > 2 &&
    perm.join() === (view.channelsLast ? toFirst : toLast).join()
  )
    return [{ ...view, channelsLast: !view.channelsLast }];
  throw new Unreadable(`it puts the axes in the order [${perm.join()}]`);
};

const same: NodeReader = (node, reading) => {
  if (node.op.startsWith('Cast') && !reading.isFloat(node.outputs[0] ?? ''))
    throw new Unreadable('it converts to another type');
  return [reading.anyView(node, 0)];
};

export const layout: Readonly<Record<string, NodeReader>> = {
  ...{ Flatten: reshape, Reshape: reshape, Squeeze: reshape, Unsqueeze: reshape, Transpose: transpose },
  ...{ Identity: same, Cast: same, CastLike: same, Dropout: same },
};

/** Vectors that are later made maps of one pixel again (the gates of squeeze-excite blocks), and what they come from. */
export function mapsLater(
  nodes: readonly Node[],
  dims: (tensor: string) => readonly unknown[] | undefined,
): Set<string> {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Set<string>();
  const stack = nodes.flatMap((node) => {
    const [input = ''] = node.inputs;
    const to = dims(node.outputs[0] ?? '') ?? [];
    const isBack =
      (node.op === 'Reshape' || node.op === 'Unsqueeze') &&
      dims(input)?.length === 2 &&
      to.length > 2 &&
      (to.slice(2).every((length) => length === 1) || to.slice(1, -1).every((length) => length === 1));
    return isBack ? [input] : [];
  });
  const ends = new Set(['Flatten', 'Reshape', 'Squeeze', 'ReduceMean', 'ReduceMax']);
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (found.has(name) || dims(name)?.length !== 2) continue;
    found.add(name);
    const node = producers.get(name);
    if (node && !ends.has(node.op)) stack.push(...node.inputs);
  }
  return found;
}
