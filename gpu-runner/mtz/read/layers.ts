import { elementCount } from '../../../shared/tensor.ts';
import { matrix, row, selectRows, submatrix, transpose, type Matrix } from '../../linalg/matrix.ts';
import { floatOf, intOf, intsOf } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/graph.ts';
import type { Convolution, Weights } from '../topology.ts';
import { byFilter, columnsByFilter, rowsByFilter } from './filters.ts';
import { perChannel } from './perChannel.ts';
import { viewOf, type NodeReader, type Reading, type View } from './reading.ts';
import { Unreadable } from './unreadable.ts';
import { padsOf } from './windows.ts';

/**
 * Conv: a layer, a grouped layer, or channelwise where every channel is a group of its own, with one filter or several. The input's channels cannot be
 * told apart: what divides them reads all, with weights of 0 where it did not.
 */
const conv: NodeReader = (node, reading) => {
  const { draft } = reading;
  const { dims, values } = reading.constant(node, 1, 'weight');
  const [channels = 0, perGroup = 0, ...kernel] = dims;
  const view = reading.anyView(node, 0);
  const given = reading.mapOf(view);
  const { filters } = view;
  const groups = intOf(node, 'group', 1);
  const size = reading.dims(node.outputs[0]).slice(1);
  const { input, convolution } = windows(node, reading, given, kernel, size);
  const weight = matrix(channels, perGroup * elementCount(kernel), values);
  const bias = hasInput(node, 2) ? reading.constant(node, 2, 'bias').values : new Float64Array(channels);
  const { stretches } = draft.value(input);
  const isDepthwise = groups > 1 && perGroup === 1 && channels === groups;
  const dividesInput = groups > 1 && !isDepthwise && draft.axes.hasWhole(stretches);
  if (dividesInput && stretches.length > 1)
    throw new Unreadable(`it divides the input's channels into ${groups} groups`);
  const step = { name: reading.name(node), input, convolution };
  const isOfSeveral = groups > 1 && perGroup === 1 && !isDepthwise && !dividesInput;
  if (filters > 1 && groups > 1 && !isDepthwise)
    throw new Unreadable(`it divides into ${groups} groups what has ${filters} filters of each channel`);
  if (isDepthwise) {
    const own = { weight: rowsByFilter(weight, filters), bias: byFilter(bias, filters) };
    return [{ ...viewOf(draft.channelwise({ ...step, perTask: false }, size, own)), filters }];
  }
  if (isOfSeveral) return [severalFilters(reading, step, size, { weight, bias })];
  const read = dividesInput
    ? ungrouped(weight, groups)
    : columnsByFilter(weight, filters, elementCount(kernel));
  return [viewOf(draft.layer({ ...step, groups: dividesInput ? 1 : groups }, size, { weight: read, bias }))];
};

/** A depthwise convolution of several filters a channel: one of each, their outputs concatenated. */
function severalFilters(
  { draft }: Reading,
  step: { readonly name: string; readonly input: number; readonly convolution: Convolution },
  size: readonly number[],
  { weight, bias }: Weights,
): View {
  const channels = draft.elements(step.input);
  const filters = weight.rows / channels;
  const outputs = Array.from({ length: filters }, (_, filter) => {
    const rows = Array.from({ length: channels }, (__, channel) => channel * filters + filter);
    const own = { weight: selectRows(weight, rows), bias: Float64Array.from(rows, (at) => bias[at] ?? 0) };
    return draft.channelwise({ ...step, name: `${step.name}.${filter}`, perTask: false }, size, own);
  });
  return { ...viewOf(draft.concat(`${step.name}.joined`, outputs)), filters };
}

/** Weights on the channels of every group, 0 on those of the others. */
function ungrouped(weight: Matrix, groups: number): Matrix {
  const result = matrix(weight.rows, weight.cols * groups);
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const group = Math.floor((channel * groups) / weight.rows);
    row(result, channel).set(row(weight, channel), group * weight.cols);
  }
  return result;
}

/** The window of a convolution; zeros padded before it become its own pads. */
function windows(
  node: Node,
  reading: Reading,
  given: number,
  kernel: readonly number[],
  outputSize: readonly number[],
): { input: number; convolution: Convolution } {
  const { draft } = reading;
  const strides = intsOf(node, 'strides') ?? kernel.map(() => 1);
  const dilations = intsOf(node, 'dilations') ?? kernel.map(() => 1);
  const window = { kernel, strides, dilations };
  const pads = padsOf(node, draft.value(given).size, outputSize, window);
  const padding = draft.paddings.get(given);
  if (!padding) return { input: given, convolution: { ...window, pads } };
  const sum = pads.map((pad, side) => pad + (padding.pads[side] ?? 0));
  return { input: padding.input, convolution: { ...window, pads: sum } };
}

/** Gemm or MatMul of a batch of vectors and constant weights. */
const dense: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  const [inputs = 0, ...more] = reading.dims(node.inputs[0]);
  if (more.length > 0) throw new Unreadable('only batches of vectors can be multiplied by weights');
  if (intOf(node, 'transA', 0) !== 0) throw new Unreadable('its input is transposed (transA)');
  const { dims, values } = reading.constant(node, 1, 'weight');
  const [rows = 0, cols = 0] = dims;
  if (dims.length !== 2) throw new Unreadable(`its weight has ${dims.length} dimensions, not 2`);
  const alpha = floatOf(node, 'alpha', 1);
  const scaled = alpha === 1 ? values : values.map((value) => alpha * value);
  const stored = matrix(rows, cols, scaled);
  const straight = node.op === 'Gemm' && intOf(node, 'transB', 0) !== 0 ? stored : transpose(stored);
  const weight = view.order ? columnsTo(straight, view.order) : straight;
  if (weight.cols !== inputs) throw new Unreadable(`its weights read ${weight.cols} of ${inputs} inputs`);
  const bias = new Float64Array(weight.rows);
  if (node.op === 'Gemm' && hasInput(node, 2)) {
    const beta = floatOf(node, 'beta', 1);
    const added = perChannel(reading.constant(node, 2, 'bias'), { rank: 2, channel: 1 }, weight.rows);
    bias.set(added.map((value) => beta * value));
  }
  const { size } = reading.draft.value(view.value);
  const ones = size.map(() => 1);
  const convolution = view.squeezed
    ? { kernel: ones, strides: ones, pads: [...ones, ...ones].map(() => 0), dilations: ones }
    : null;
  const step = { name: reading.name(node), input: view.value, convolution, groups: 1 };
  const output = reading.draft.layer(step, size, { weight, bias });
  return [{ ...viewOf(output), squeezed: view.squeezed }];
};

/** Weights that read element `order[e]` of the value where they read element e of the tensor. */
function columnsTo(weight: ReturnType<typeof matrix>, order: Int32Array): ReturnType<typeof matrix> {
  const from = new Int32Array(order.length);
  order.forEach((element, index) => (from[element] = index));
  return submatrix(
    weight,
    Array.from({ length: weight.rows }, (_, index) => index),
    from,
  );
}

const hasInput = (node: Node, index: number): boolean => (node.inputs[index] ?? '') !== '';

export const layers: Readonly<Record<string, NodeReader>> = { Conv: conv, Gemm: dense, MatMul: dense };
