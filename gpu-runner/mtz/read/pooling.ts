import { intOf, intsOf } from '../../onnx/attributes.ts';
import { int, ints, type Attribute, type Node } from '../../onnx/graph.ts';
import { flatView } from './layout.ts';
import { viewOf, type NodeReader, type Reading } from './reading.ts';
import { Unreadable } from './unreadable.ts';
import { padsOf } from './windows.ts';

const pool: NodeReader = (node, reading) => {
  const { draft } = reading;
  const view = reading.anyView(node, 0);
  const given = reading.mapOf(view);
  const { size } = draft.value(given);
  const kernel = intsOf(node, 'kernel_shape') ?? [];
  const strides = intsOf(node, 'strides') ?? kernel.map(() => 1);
  const dilations = intsOf(node, 'dilations') ?? kernel.map(() => 1);
  const output = reading.dims(node.outputs[0]).slice(1);
  const pads = padsOf(node, size, output, { kernel, strides, dilations });
  const countsPads = intOf(node, 'count_include_pad', 0) !== 0;
  const around = draft.paddings.get(given);
  const takesPads = around !== undefined && canTakePads(node, reading, around, { kernel, pads, countsPads });
  const all = takesPads ? pads.map((pad, side) => pad + (around.pads[side] ?? 0)) : pads;
  const input = takesPads ? around.input : given;
  return [
    {
      ...viewOf(
        window(
          node,
          reading,
          input,
          output,
          { kernel, strides, dilations, pads: all },
          countsPads || takesPads,
        ),
      ),
      filters: view.filters,
    },
  ];
};

interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Adds a pooling step, in the one form of several that exporters write. */
function window(
  node: Node,
  reading: Reading,
  input: number,
  output: readonly number[],
  { kernel, strides, dilations, pads }: Window,
  countsPads: boolean,
): number {
  const { draft } = reading;
  const { size } = draft.value(input);
  const isBare = pads.every((pad) => pad === 0);
  const sameKernel = kernel.join() === size.join() && output.every((length) => length === 1);
  if (isBare && kernel.every((length) => length === 1) && strides.every((step) => step === 1)) return input;
  if (node.op !== 'MaxPool' && isBare && sameKernel && dilations.every((step) => step === 1))
    return draft.plain(reading.name(node), 'GlobalAveragePool', [input], output);
  const floors = size.map((length, axis) => {
    const reach = ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    const padded = length + (pads[axis] ?? 0) + (pads[axis + size.length] ?? 0);
    return Math.floor((padded - reach) / (strides[axis] ?? 1)) + 1;
  });
  const attributes: Record<string, Attribute> = {};
  if (floors.join() !== output.join()) attributes['ceil_mode'] = int(1);
  if (node.op === 'AveragePool' && countsPads && !isBare) attributes['count_include_pad'] = int(1);
  if (dilations.some((step) => step !== 1)) attributes['dilations'] = ints(dilations);
  attributes['kernel_shape'] = ints(kernel);
  if (!isBare) attributes['pads'] = ints(pads);
  if (strides.some((step) => step !== 1)) attributes['strides'] = ints(strides);
  return draft.plain(reading.name(node), node.op, [input], output, { attributes });
}

/** Whether a pool may pad by itself: a mean that counts the zeros, or a maximum of what is never below zero. */
function canTakePads(
  node: Node,
  { draft }: Reading,
  around: { readonly input: number; readonly pads: readonly number[] },
  { kernel, pads, countsPads }: { kernel: readonly number[]; pads: readonly number[]; countsPads: boolean },
): boolean {
  const fits = pads.every(
    (pad, side) => pad + (around.pads[side] ?? 0) < (kernel[side % kernel.length] ?? 1),
  );
  if (!fits) return false;
  const isBare = pads.every((pad) => pad === 0);
  if (node.op === 'AveragePool') return isBare || countsPads;
  const maker = draft.maker(around.input);
  if (maker?.kind !== 'plain' || !isBare) return false;
  return (
    maker.op === 'Relu' || maker.op === 'Sigmoid' || (maker.op === 'Clip' && (maker.scalars[0] ?? -1) >= 0)
  );
}

const global: NodeReader = (node, reading) => {
  const view = reading.anyView(node, 0);
  const value = view.inLine ? view.value : reading.mapOf(view);
  return [{ ...view, value: overAll(node, value, node.op === 'GlobalMaxPool', reading) }];
};

/** ReduceMean or ReduceMax over all of space. */
const reduce: NodeReader = (node, reading) => {
  const view = reading.anyView(node, 0);
  if (view.order) throw new Unreadable('its input is a rearranged vector');
  const { rank, spatial } = reading.axes(view);
  const given = reading.constants.integers(node.inputs[1]) ?? [];
  const axes = given.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  if (axes.length === 0 || axes.join() !== spatial.join())
    throw new Unreadable(`it reduces axes [${axes.join()}]; only all of space can be reduced`);
  const value = overAll(node, view.value, node.op === 'ReduceMax', reading);
  if (intOf(node, 'keepdims', 1) !== 0) return [{ ...view, value }];
  return [flatView(node, { ...view, value }, reading)];
};

function overAll(node: Node, value: number, isMax: boolean, reading: Reading): number {
  const { draft } = reading;
  const { size } = draft.value(value);
  if (size.length === 0) throw new Unreadable('its input has no spatial axes');
  const ones = size.map(() => 1);
  if (size.every((length) => length === 1)) return value;
  if (!isMax) return draft.plain(reading.name(node), 'GlobalAveragePool', [value], ones);
  const attributes = { kernel_shape: ints(size) };
  return draft.plain(reading.name(node), 'MaxPool', [value], ones, { attributes });
}

export const pooling: Readonly<Record<string, NodeReader>> = {
  ...{ MaxPool: pool, AveragePool: pool, GlobalAveragePool: global, GlobalMaxPool: global },
  ...{ ReduceMean: reduce, ReduceMax: reduce },
};
