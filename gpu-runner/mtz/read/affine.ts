import { matrix } from '../../linalg/matrix.ts';
import { floatOf, intOf } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/graph.ts';
import type { Constant } from './constants.ts';
import type { Draft } from './draft.ts';
import { byFilter } from './filters.ts';
import { perChannel } from './perChannel.ts';
import { viewOf, type NodeReader, type Reading, type View } from './reading.ts';
import { Unreadable } from './unreadable.ts';

/** x -> scale * x + shift, one number for each channel, or the same for all. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** BatchNormalization with its running statistics. */
const batchNormalization: NodeReader = (node, reading) => {
  if (intOf(node, 'training_mode', 0) !== 0) throw new Unreadable('it is in training mode');
  const view = reading.anyView(node, 0);
  if (view.channelsLast || view.order) throw new Unreadable('its input has its channels last');
  const channels = channelsOf(reading, view);
  const [gamma, beta, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map((what, index) =>
    byFilter(reading.constant(node, index + 1, what).values, view.filters),
  );
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const each = (of: (channel: number) => number): Float64Array =>
    Float64Array.from({ length: channels }, (_, channel) => of(channel));
  const deviation = each((c) => Math.sqrt((variance?.[c] ?? 1) + epsilon));
  const own = { scale: each((c) => gamma?.[c] ?? 1), shift: each((c) => beta?.[c] ?? 0) };
  const whitening = {
    scale: deviation.map((value) => 1 / value),
    shift: each((c) => -(mean?.[c] ?? 0) / (deviation[c] ?? 1)),
  };
  const whole = {
    scale: each((c) => (own.scale[c] ?? 1) / (deviation[c] ?? 1)),
    shift: each((c) => (own.scale[c] ?? 1) * (whitening.shift[c] ?? 0) + (own.shift[c] ?? 0)),
  };
  const folds = canFold(node.inputs[0], view, reading);
  const isFolded = reading.options.batchNorm === 'fold';
  if (!folds) {
    const normalised = isFolded
      ? apply(node, view, whole, reading, false)
      : channelwise(node, view, whole, reading, true);
    if (normalised.value !== view.value) reading.draft.deviations.set(normalised.value, deviation);
    return [normalised];
  }
  if (isFolded) return [apply(node, view, whole, reading, true)];
  rescale(view, whitening, reading);
  return [channelwise(node, view, own, reading, true)];
};

/** A constant added to a computed value, subtracted from it, multiplied with it, and so on; `at` is its input. */
export function withConstant(node: Node, at: 0 | 1, reading: Reading): View {
  const view = reading.view(node, 1 - at);
  const constant = reading.constant(node, at, 'constant');
  const isScalar = constant.values.length === 1;
  if (view.order && !isScalar) throw new Unreadable('its input is a rearranged vector');
  if (reading.dims(node.outputs[0]).join() !== reading.dims(node.inputs[1 - at]).join())
    throw new Unreadable(`its constant [${constant.dims.join()}] stretches what it meets`);
  const channels = isScalar ? 1 : channelsOf(reading, view);
  const affine = affineOf(node, at, perChannel(constant, reading.axes(view), channels));
  const tensor = node.inputs[1 - at];
  if (canFold(tensor, view, reading)) return apply(node, view, affine, reading, true);
  return isScalar && !touchesInput(reading, view)
    ? withScalar(node, view, affine, reading)
    : apply(node, view, affine, reading, false);
}

function affineOf(node: Node, at: 0 | 1, values: Float64Array): Affine {
  const ones = values.map(() => 1);
  const zeros = values.map(() => 0);
  switch (node.op) {
    case 'Add':
    case 'Sum':
      return { scale: ones, shift: values };
    case 'Mul':
      return { scale: values, shift: zeros };
    case 'Sub':
      return at === 1
        ? { scale: ones, shift: values.map((value) => -value) }
        : { scale: values.map(() => -1), shift: values };
    case 'Div':
      if (at === 1) return { scale: values.map((value) => 1 / value), shift: zeros };
      throw new Unreadable('it divides a constant by a computed value');
    default:
      throw new Unreadable('it joins a computed value with a constant');
  }
}

/** The same number for all channels and tasks: part of what the network is, not of its weights. */
function withScalar(node: Node, view: View, { scale, shift }: Affine, reading: Reading): View {
  const { draft } = reading;
  let { value } = view;
  for (const [op, constant, neutral] of [
    ['Mul', scale[0] ?? 1, 1],
    ['Add', shift[0] ?? 0, 0],
  ] as const) {
    if (constant === neutral) continue;
    const scalars = [Math.fround(constant)];
    value = draft.plain(reading.name(node), op, [value], draft.value(value).size, { scalars });
  }
  return { ...view, value };
}

function apply(node: Node, view: View, affine: Affine, reading: Reading, folds: boolean): View {
  const isIdentity = affine.scale.every((value) => value === 1) && affine.shift.every((value) => value === 0);
  if (isIdentity) return view;
  if (!folds) return channelwise(node, view, affine, reading, false);
  rescale(view, affine, reading);
  return view;
}

/** Lets what makes a value scale and shift it as well. */
function rescale(view: View, { scale, shift }: Affine, { draft }: Reading): void {
  const channels = draft.elements(view.value);
  const [scales, shifts] = [spread(scale, channels), spread(shift, channels)];
  let start = 0;
  for (const value of madeOf(draft, view)) {
    const end = start + draft.elements(value);
    draft.rescale(value, scales.slice(start, end), shifts.slice(start, end));
    start = end;
  }
}

/** What a value is put together from: the outputs of a depthwise convolution's several filters, or itself. */
function madeOf(draft: Draft, { value, filters }: View): readonly number[] {
  const maker = draft.maker(value);
  return filters > 1 && maker?.kind === 'concat' ? maker.inputs : [value];
}

function channelwise(node: Node, view: View, affine: Affine, reading: Reading, perTask: boolean): View {
  const { draft } = reading;
  const channels = channelsOf(reading, view);
  const weights = {
    weight: matrix(channels, 1, spread(affine.scale, channels)),
    bias: spread(affine.shift, channels),
  };
  const step = { name: reading.name(node), input: view.value, convolution: null, perTask };
  return { ...view, value: draft.channelwise(step, draft.value(view.value).size, weights) };
}

/** Whether the step that makes a value can scale and shift its channels itself, unseen by others. */
function canFold(tensor: string | undefined, view: View, reading: Reading): boolean {
  if (!reading.isOnlyReader(tensor)) return false;
  return madeOf(reading.draft, view).every((value) => {
    const maker = reading.draft.maker(value);
    return maker?.kind === 'layer' || (maker?.kind === 'channelwise' && !maker.perTask);
  });
}

function touchesInput({ draft }: Reading, view: View): boolean {
  return draft.axes.hasWhole(draft.value(view.value).stretches);
}

function channelsOf({ draft }: Reading, view: View): number {
  const { stretches } = draft.value(view.value);
  if (stretches.some(({ area }) => area !== 1))
    throw new Unreadable('it treats the positions of a flattened map apart');
  return draft.axes.elements(stretches);
}

const spread = (values: Float64Array, channels: number): Float64Array =>
  values.length === channels ? values : new Float64Array(channels).fill(values[0] ?? 0);

/** PReLU(x) = ReLU(x) - slope * ReLU(-x), so that the slopes are weights like others. */
const prelu: NodeReader = (node, reading) => {
  const view = reading.view(node, 0);
  if (view.order) throw new Unreadable('its input is a rearranged vector');
  const slope = perChannel(reading.constant(node, 1, 'slope'), reading.axes(view), channelsOf(reading, view));
  const { draft } = reading;
  const { size } = draft.value(view.value);
  const name = node.name === '' ? node.op : node.name.replace(/^\//, '');
  const plain = (suffix: string, op: string, inputs: number[], scalars: number[] = []): number =>
    draft.plain(reading.unique(name + suffix), op, inputs, size, { scalars });
  const positive = plain('.positive', 'Relu', [view.value]);
  const negative = plain('.negative', 'Relu', [plain('.minus', 'Mul', [view.value], [-1])]);
  const step = { name: reading.unique(`${name}.slope`), input: negative, convolution: null, perTask: false };
  const weights = {
    weight: matrix(
      slope.length,
      1,
      slope.map((value) => -value),
    ),
    bias: new Float64Array(slope.length),
  };
  const bent = draft.channelwise(step, size, weights);
  return [{ ...view, value: plain('', 'Add', [positive, bent]) }];
};

/** Zeros around the map, which a convolution after it takes over as its own. */
const pad: NodeReader = (node, reading) => {
  const { draft } = reading;
  const view = reading.view(node, 0);
  const value = view.channelsLast ? view.value : reading.map(node);
  const mode = node.attributes['mode'];
  if (mode?.type === 'string' && mode.value !== 'constant')
    throw new Unreadable(`it pads by "${mode.value}", not by zeros`);
  const filling: Constant | undefined = reading.constants.floats(node.inputs[2]);
  if ((node.inputs[2] ?? '') !== '' && filling?.values[0] !== 0)
    throw new Unreadable('it pads by something else than zeros');
  const { size } = draft.value(value);
  const rank = size.length + 2;
  const given = reading.constants.integers(node.inputs[1]);
  const axes = reading.constants.integers(node.inputs[3]) ?? Array.from({ length: rank }, (_, axis) => axis);
  if (!given || ((node.inputs[3] ?? '') !== '' && !reading.constants.integers(node.inputs[3])))
    throw new Unreadable('its pads are computed');
  const all = new Array<number>(2 * rank).fill(0);
  // Where its channels are last, they come first from here on.
  const placeOf = (axis: number): number =>
    !view.channelsLast || axis === 0 ? axis : axis === rank - 1 ? 1 : axis + 1;
  for (const [index, axis] of axes.entries()) {
    const at = placeOf(axis < 0 ? axis + rank : axis);
    all[at] = given[index] ?? 0;
    all[at + rank] = given[index + axes.length] ?? 0;
  }
  if ([0, 1].some((axis) => all[axis] !== 0 || all[axis + rank] !== 0) || all.some((count) => count < 0))
    throw new Unreadable(`it pads by [${all.join()}]; only space can be padded`);
  const pads = [...all.slice(2, rank), ...all.slice(rank + 2)];
  const ones = size.map(() => 1);
  const convolution = { kernel: ones, strides: ones, pads, dilations: ones };
  const channels = draft.elements(value);
  const weights = {
    weight: matrix(channels, 1, new Float64Array(channels).fill(1)),
    bias: new Float64Array(channels),
  };
  const padded = size.map((length, axis) => length + (pads[axis] ?? 0) + (pads[axis + size.length] ?? 0));
  const step = { name: reading.name(node), input: value, convolution, perTask: false };
  const output = draft.channelwise(step, padded, weights);
  draft.paddings.set(output, { input: value, pads });
  return [{ ...viewOf(output), channelsLast: view.channelsLast }];
};

export const affine: Readonly<Record<string, NodeReader>> = {
  BatchNormalization: batchNormalization,
  PRelu: prelu,
  Pad: pad,
};
