import { floatOf, intOf, intsOf, stringOf } from '../onnx/attributes.ts';
import type { Attribute, Node } from '../onnx/graph.ts';
import { elementCount } from '../../shared/tensor.ts';
import { matrix, row, transpose, type Matrix } from '../linalg/matrix.ts';
import { channelOps, type ChainLayer, type ChannelOp } from './chain.ts';
import type { Surroundings } from './surroundings.ts';

interface Constant {
  readonly dims: readonly number[];
  readonly values: Float64Array;
}

function constantOf(node: Node, index: number, what: string, around: Surroundings): Constant {
  const tensor = around.constant(node.inputs[index]);
  if (!tensor) throw around.refuse(node, `its ${what} is computed or missing, not a constant`);
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64') {
    throw around.refuse(node, `its ${what} is ${tensor.dtype}, not float32`);
  }
  return { dims: tensor.dims, values: Float64Array.from(tensor.data) };
}

export function readConv(node: Node, name: string, around: Surroundings): ChainLayer {
  const weight = constantOf(node, 1, 'weight', around);
  const [channels = 0, inputChannels = 0, ...kernel] = weight.dims;
  const group = intOf(node, 'group', 1);
  if (group !== 1) throw around.refuse(node, `grouped convolutions (group ${group}) are not supported`);
  const strides = intsOf(node, 'strides') ?? kernel.map(() => 1);
  const dilations = intsOf(node, 'dilations') ?? kernel.map(() => 1);
  const [, ...inputSize] = around.dims(node.inputs[0]);
  const [, ...outputSize] = around.dims(node.outputs[0]);
  const pads = explicitPads(node, inputSize, outputSize, { kernel, strides, dilations });
  return {
    name,
    convolution: { kernel, strides, pads, dilations },
    area: elementCount(kernel),
    outputSize,
    after: [],
    weight: matrix(channels, inputChannels * elementCount(kernel), weight.values),
    bias: hasInput(node, 2) ? constantOf(node, 2, 'bias', around).values : new Float64Array(channels),
  };
}

/** The pads that `auto_pad` stands for; SAME_LOWER puts the odd one at the beginning. */
function explicitPads(
  node: Node,
  inputSize: readonly number[],
  outputSize: readonly number[],
  {
    kernel,
    strides,
    dilations,
  }: { kernel: readonly number[]; strides: readonly number[]; dilations: readonly number[] },
): readonly number[] {
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  if (auto === 'NOTSET') return intsOf(node, 'pads') ?? kernel.flatMap(() => [0, 0]);
  if (auto === 'VALID') return kernel.flatMap(() => [0, 0]);
  const totals = kernel.map((size, axis) => {
    const reach =
      ((outputSize[axis] ?? 0) - 1) * (strides[axis] ?? 1) + (size - 1) * (dilations[axis] ?? 1) + 1;
    return Math.max(0, reach - (inputSize[axis] ?? 0));
  });
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total) => Math.ceil(total / 2));
  return auto === 'SAME_LOWER' ? [...larger, ...smaller] : [...smaller, ...larger];
}

/** Gemm or MatMul on a batch of vectors that `inputChannels` channels were flattened to. */
export function readDense(node: Node, name: string, inputChannels: number, around: Surroundings): ChainLayer {
  const [inputs = 0, ...more] = around.dims(node.inputs[0]);
  if (more.length > 0) throw around.refuse(node, 'only batches of vectors are supported');
  if (intOf(node, 'transA', 0) !== 0)
    throw around.refuse(node, 'a transposed input (transA) is not supported');
  const { dims, values } = constantOf(node, 1, 'weight', around);
  const [rows = 0, cols = 0] = dims;
  if (dims.length !== 2) throw around.refuse(node, `its weight has ${dims.length} dimensions, not 2`);
  const stored = matrix(rows, cols, values);
  const weight = scaled(
    intOf(node, 'transB', 0) === 0 ? transpose(stored) : stored,
    floatOf(node, 'alpha', 1),
  );
  const bias = new Float64Array(weight.rows);
  if (hasInput(node, 2)) {
    const given = perChannel(constantOf(node, 2, 'bias', around), 2, weight.rows);
    if (!given) throw around.refuse(node, 'its bias differs from sample to sample');
    const beta = floatOf(node, 'beta', 1);
    bias.set(given.map((value) => beta * value));
  }
  return { name, convolution: null, area: inputs / inputChannels, outputSize: [], after: [], weight, bias };
}

/** A constant added to every channel of `value` by the Add node. */
export function addBias(node: Node, layer: ChainLayer, value: string, around: Surroundings): ChainLayer {
  const index = node.inputs[0] === value ? 1 : 0;
  if (!around.constant(node.inputs[index])) {
    throw around.refuse(node, 'it adds two computed values, and branches are not supported');
  }
  const channels = layer.bias.length;
  const added = perChannel(constantOf(node, index, 'summand', around), layer.outputSize.length + 2, channels);
  if (!added) throw around.refuse(node, `its constant is not one value for each of ${channels} channels`);
  return { ...layer, bias: layer.bias.map((bias, channel) => bias + (added[channel] ?? 0)) };
}

export function foldBatchNormalization(node: Node, layer: ChainLayer, around: Surroundings): ChainLayer {
  if (intOf(node, 'training_mode', 0) !== 0) throw around.refuse(node, 'it is in training mode');
  const [scale, shift, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map(
    (what, index) => constantOf(node, index + 1, what, around).values,
  );
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const factors = layer.bias.map((_, c) => (scale?.[c] ?? 1) / Math.sqrt((variance?.[c] ?? 1) + epsilon));
  const weight = matrix(layer.weight.rows, layer.weight.cols, layer.weight.data.slice());
  factors.forEach((factor, channel) => {
    const weights = row(weight, channel);
    weights.forEach((value, index) => (weights[index] = value * factor));
  });
  const bias = layer.bias.map(
    (value, c) => (value - (mean?.[c] ?? 0)) * (factors[c] ?? 1) + (shift?.[c] ?? 0),
  );
  return { ...layer, weight, bias };
}

export function readChannelOp(node: Node, around: Surroundings): ChannelOp {
  const dims = around.dims(node.inputs[0]);
  const flat = around.dims(node.outputs[0]);
  if (node.op === 'Flatten' || node.op === 'Reshape') {
    if (flat.length === 1 && flat[0] === elementCount(dims))
      return { op: 'Flatten', attributes: {}, bounds: [] };
    throw around.refuse(
      node,
      `only flattening each sample is supported, not [${dims.join()}] to [${flat.join()}]`,
    );
  }
  const op = channelOps.find((known) => known === node.op);
  if (!op) throw around.refuse(node, 'this operator is not supported in a chain of conv and dense layers');
  const bounds = node.inputs.slice(1).map((value, index) => {
    return value === '' ? null : (constantOf(node, index + 1, 'bound', around).values[0] ?? null);
  });
  return { op, attributes: withoutDefaults(node.attributes), bounds };
}

/** Exporters differ in whether they write settings that change nothing; without them equal operators look equal. */
function withoutDefaults(attributes: Node['attributes']): Node['attributes'] {
  const isDefault = (key: string, attribute: Attribute): boolean => {
    if (attribute.type === 'string') return key === 'auto_pad' && attribute.value === 'NOTSET';
    if (attribute.type === 'int') return attribute.value === 0;
    if (attribute.type !== 'ints') return false;
    const neutral = { pads: 0, strides: 1, dilations: 1 }[key];
    return attribute.value.every((value) => value === neutral);
  };
  return Object.fromEntries(
    Object.entries(attributes).filter(([key, attribute]) => !isDefault(key, attribute)),
  );
}

const hasInput = (node: Node, index: number): boolean => (node.inputs[index] ?? '') !== '';

/** A constant that broadcasts along the channels (axis 1) only, as one value a channel; null where it does not. */
function perChannel({ dims, values }: Constant, rank: number, channels: number): Float64Array | null {
  if (values.length === 1) return new Float64Array(channels).fill(values[0] ?? 0);
  const axis = dims.length - rank + 1;
  if (values.length !== channels || dims[axis] !== channels) return null;
  return values;
}

function scaled(of: Matrix, factor: number): Matrix {
  return factor === 1
    ? of
    : matrix(
        of.rows,
        of.cols,
        of.data.map((value) => value * factor),
      );
}
