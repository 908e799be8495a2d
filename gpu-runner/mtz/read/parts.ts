import { intOf } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/graph.ts';
import type { NodeReader, Reading, View } from './reading.ts';
import { Unreadable } from './unreadable.ts';

const concat: NodeReader = (node, reading) => {
  const views = node.inputs.map((_, index) => reading.view(node, index));
  const [first] = views;
  if (!first) throw new Unreadable('it has no inputs');
  checkAxis(intOf(node, 'axis', 1), first, reading);
  if (views.length === 1) return [first];
  for (const view of views) {
    const isAlike = view.channelsLast === first.channelsLast && view.squeezed === first.squeezed;
    if (!isAlike || view.inLine !== first.inLine || view.order)
      throw new Unreadable('its inputs have their channels in different orders');
  }
  return [
    {
      ...first,
      value: reading.draft.concat(
        reading.name(node),
        views.map(({ value }) => value),
      ),
    },
  ];
};

const split: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  checkAxis(intOf(node, 'axis', 0), view, reading);
  const { channel } = reading.axes(view);
  let start = 0;
  return node.outputs.map((output) => {
    const length = reading.dims(output)[channel - 1] ?? 0;
    start += length;
    return select(node, view, start - length, start, reading);
  });
};

/** Slice along the channels, in steps of one. */
const slice: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  const dims = reading.dims(node.inputs[0]);
  const { rank, channel } = reading.axes(view);
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((index) => {
    const given = reading.constants.integers(node.inputs[index]);
    if (!given && (node.inputs[index] ?? '') !== '') throw new Unreadable('its borders are computed');
    return given;
  });
  let result = view;
  for (const [index, given] of (starts ?? []).entries()) {
    const axis = (axes?.[index] ?? index) + ((axes?.[index] ?? 0) < 0 ? rank : 0);
    const length = dims[axis - 1];
    if (axis === 0 || length === undefined) throw new Unreadable('it cuts the batch');
    const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
    const [start, end] = [clamp(given), clamp(ends?.[index] ?? length)];
    if ((steps?.[index] ?? 1) !== 1) throw new Unreadable(`it goes along axis ${axis} in steps`);
    if (start === 0 && end === length) continue;
    if (axis !== channel) throw new Unreadable('it cuts space');
    result = select(node, result, start, end, reading);
  }
  return [result];
};

function select(node: Node, view: View, start: number, end: number, reading: Reading): View {
  if (view.order) throw new Unreadable('its input is a rearranged vector');
  if (end <= start) throw new Unreadable('it takes no channels');
  return { ...view, value: reading.draft.select(reading.name(node), view.value, start, end) };
}

function checkAxis(given: number, view: View, reading: Reading): void {
  const { rank, channel } = reading.axes(view);
  const axis = given < 0 ? given + rank : given;
  if (axis !== channel) throw new Unreadable(`it works along axis ${axis}, not along the channels`);
}

export const parts: Readonly<Record<string, NodeReader>> = { Concat: concat, Split: split, Slice: slice };
