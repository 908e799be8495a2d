import { elementCount, type Tensor } from '../../../shared/tensor.ts';
import { int, type Graph, type Node } from '../../onnx/graph.ts';
import type { Flow } from './flow.ts';
import type { Layer } from './layers.ts';
import { quantiseBias, quantiseWeights, scalesForBias, type ActivationType, type Scale } from './scales.ts';

export interface QuantiseChoice {
  readonly layers: readonly Layer[];
  readonly flow: Flow;
  /** Of each value that `flow` names as a root. */
  readonly scales: ReadonlyMap<string, Scale>;
  readonly activations: ActivationType;
}

/**
 * A copy of the graph in QDQ form: the layers' weights int8 and biases int32, each read through a DequantizeLinear, and
 * every quantised activation a QuantizeLinear and a DequantizeLinear. ONNX Runtime fuses them into integer operators;
 * any other runtime computes the same up to rounding. Inputs and outputs stay float32.
 */
export function writeQuantised(graph: Graph, choice: QuantiseChoice): Graph {
  const { layers, flow, scales } = choice;
  const written = graph.clone();
  const scaleOf = (value: string): Scale => {
    const scale = scales.get(flow.quantised.get(value) ?? '');
    if (!scale) throw new Error(`Cannot quantise "${graph.name}": "${value}" was not calibrated`);
    return scale;
  };
  const positions = new Map(graph.nodes.map((node, index) => [node, index]));
  const chosen = new Map<Node, Layer>();
  for (const layer of layers) {
    const node = written.nodes[positions.get(layer.node) ?? -1];
    if (!node) throw new Error(`Cannot quantise "${graph.name}": ${layer.name} is not one of its nodes`);
    chosen.set(node, layer);
  }
  roundActivations(written, flow, new Set(chosen.keys()), scaleOf, choice.activations);
  for (const [node, layer] of chosen) {
    const [input = ''] = layer.node.inputs;
    quantiseLayer(written, node, layer, scaleOf(input).scale);
  }
  written.sort();
  written.prune();
  return written;
}

function roundActivations(
  graph: Graph,
  { quantised, born }: Flow,
  layers: ReadonlySet<Node>,
  scaleOf: (value: string) => Scale,
  type: ActivationType,
): void {
  const consumers = graph.consumers();
  const producers = graph.producers();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const constants = new Map<string, readonly [scale: string, zeroPoint: string]>();
  const isRounded = (node: Node): boolean =>
    layers.has(node) || node.outputs.some((name) => born.has(name) && quantised.has(name));
  for (const [value, root] of quantised) {
    let pair = constants.get(root);
    if (!pair) {
      pair = addScale(graph, root, scaleOf(value), type);
      constants.set(root, pair);
    }
    const readers = consumers.get(value) ?? [];
    // Readers of integers read them; others read the exact value where there is one.
    const rewired = born.has(value) ? readers : readers.filter(isRounded);
    let raw = value;
    const producer = producers.get(value);
    if (born.has(value) && outputs.has(value) && producer) {
      raw = graph.fresh(`${value}.exact`);
      producer.outputs = producer.outputs.map((name) => (name === value ? raw : name));
    }
    const integers = graph.fresh(`${value}.q`);
    const rounded = raw === value ? graph.fresh(`${value}.dq`) : value;
    graph.addNode('QuantizeLinear', [raw, ...pair], [integers]);
    graph.addNode('DequantizeLinear', [integers, ...pair], [rounded]);
    for (const node of rewired) node.inputs = node.inputs.map((name) => (name === value ? rounded : name));
  }
}

function quantiseLayer(graph: Graph, node: Node, layer: Layer, inputScale: number): void {
  const float = (name: string): Tensor<'float32'> => {
    const tensor = graph.initializers.get(name);
    if (tensor?.dtype === 'float32') return tensor;
    throw new Error(`Cannot quantise "${graph.name}": "${name}" is not float32`);
  };
  const [input = '', , bias = ''] = node.inputs;
  const biases = bias === '' ? undefined : float(bias);
  const floor = biases && scalesForBias(biases.data, inputScale);
  const { weight } = layer;
  const quantised = quantiseWeights(float(weight), layer.axis, floor);
  const { scales } = quantised;
  // ONNX Runtime's WebAssembly build transposes integer weights anew on every run: for one sample three times the work.
  const isTransposed = node.op === 'Gemm' && layer.axis === 0;
  if (isTransposed) node.attributes['transB'] = int(0);
  const values = isTransposed ? transpose(quantised.values) : quantised.values;
  const axis = isTransposed ? 1 : layer.axis;
  node.inputs = [input, addDequantised(graph, weight, values, scales, axis)];
  if (!biases) return;
  const integers = quantiseBias(biases.data, inputScale, scales.data);
  node.inputs.push(addDequantised(graph, bias, integers.values, integers.scales, 0));
}

function transpose({ dims, data }: Tensor<'int8'>): Tensor<'int8'> {
  const [rows = 0, columns = 0] = dims;
  const transposed = new Int8Array(data.length);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1)
      transposed[column * rows + row] = data[row * columns + column] ?? 0;
  return { dtype: 'int8', dims: [columns, rows], data: transposed };
}

/** @returns the value that stands for `name` */
function addDequantised(
  graph: Graph,
  name: string,
  values: Tensor<'int8'> | Tensor<'int32'>,
  scales: Tensor<'float32'>,
  axis: number,
): string {
  const zeros = elementCount(scales.dims);
  const zeroPoint: Tensor =
    values.dtype === 'int8'
      ? { dtype: 'int8', dims: scales.dims, data: new Int8Array(zeros) }
      : { dtype: 'int32', dims: scales.dims, data: new Int32Array(zeros) };
  const names: string[] = [];
  for (const [part, tensor] of Object.entries({ q: values, scale: scales, zero: zeroPoint })) {
    const fresh = graph.fresh(`${name}.${part}`);
    graph.initializers.set(fresh, tensor);
    names.push(fresh);
  }
  const output = graph.fresh(`${name}.dq`);
  graph.addNode('DequantizeLinear', names, [output], { axis: int(axis) });
  return output;
}

function addScale(
  graph: Graph,
  value: string,
  { scale, zeroPoint }: Scale,
  type: ActivationType,
): readonly [scale: string, zeroPoint: string] {
  const names = [graph.fresh(`${value}.scale`), graph.fresh(`${value}.zero`)] as const;
  graph.initializers.set(names[0], { dtype: 'float32', dims: [], data: Float32Array.of(scale) });
  graph.initializers.set(
    names[1],
    type === 'uint8'
      ? { dtype: 'uint8', dims: [], data: Uint8Array.of(zeroPoint) }
      : { dtype: 'int8', dims: [], data: Int8Array.of(zeroPoint) },
  );
  return names;
}
