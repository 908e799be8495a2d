import { elementCount } from '../../shared/tensor.ts';
import { float, Graph, int, ints, type Attribute, type ValueInfo } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Network, Part, Rows, WeightedStep } from './network.ts';
import { partTensors } from './parameters.ts';
import type { Convolution, Plain } from './topology.ts';

/**
 * Writes parts of a network into one ONNX graph. A part may be written several times, on different inputs: its weights are
 * then stored once and read by all.
 */
export class NetworkWriter {
  readonly graph: Graph;
  private readonly network: Network;
  private readonly parameters = new Map<string, Float64Array>();
  private readonly declared = new Map<string, ValueInfo>();

  constructor(network: Network, name: string) {
    this.network = network;
    this.graph = new Graph(name);
  }

  /** A batch of samples. */
  input(name: string): string {
    this.graph.inputs.push({ name, dtype: 'float32', dims: ['N', ...this.network.topology.input.dims] });
    return name;
  }

  /** A value that another graph computes. */
  tap(value: ValueInfo): string {
    this.graph.inputs.push(value);
    return value.name;
  }

  /** A part's weights. */
  weight(step: WeightedStep, rows: Rows, part: Part): string {
    const { name, dims } = partTensors(this.network, step, rows, part).weight;
    return this.parameter(name, dims, part.weight.data);
  }

  /** A part's bias, if it has one. */
  bias(step: WeightedStep, rows: Rows, part: Part): string | undefined {
    const { name, dims } = partTensors(this.network, step, rows, part).bias;
    return part.bias ? this.parameter(name, dims, part.bias) : undefined;
  }

  /**
   * What a step computes with one part's weights.
   *
   * @param biased the part whose bias is added: this one, or one that has nothing but a bias
   */
  part(step: WeightedStep, rows: Rows, part: Part, input: string, output: string, biased = part): void {
    const weight = this.weight(step, rows, part);
    const bias = this.bias(step, rows, biased);
    this.apply(step, [input, weight, ...(bias === undefined ? [] : [bias])], part.weight.rows, output);
  }

  /**
   * What a step computes.
   *
   * @param operands its input, weights, and bias if it has one
   */
  apply(step: WeightedStep, operands: readonly string[], channels: number, output: string): void {
    if (step.kind === 'layer') {
      if (step.convolution) this.graph.addNode('Conv', operands, [output], windowOf(step.convolution));
      else this.graph.addNode('Gemm', operands, [output], { transB: int(1) });
    } else if (step.convolution) {
      this.graph.addNode('Conv', operands, [output], {
        ...windowOf(step.convolution),
        group: int(channels),
      });
    } else {
      // A scale and a shift, as a batch normalisation that leaves what it normalises as it is.
      const [input = '', weight = '', shift = this.zeros([channels])] = operands;
      const ones = this.constant(`ones.${channels}`, new Float32Array(channels).fill(1));
      const statistics = [this.zeros([channels]), ones];
      this.graph.addNode('BatchNormalization', [input, weight, shift, ...statistics], [output], {
        epsilon: float(0),
      });
    }
  }

  zeros(dims: readonly number[]): string {
    return this.constant(`zeros.${dims.join('x')}`, new Float32Array(elementCount(dims)), dims);
  }

  plain({ op, attributes, scalars }: Plain, inputs: readonly string[], output: string): void {
    const bounds = scalars.map((value) =>
      value === null ? '' : this.constant(`constant.${value}`, Float32Array.of(value), []),
    );
    this.graph.addNode(op, [...inputs, ...bounds], [output], { ...attributes });
  }

  concat(inputs: readonly string[], output: string, axis = 1): void {
    this.graph.addNode('Concat', inputs, [output], { axis: int(axis) });
  }

  /** Some stretches [start, end) of the channels, or of the channels that weights read. */
  slices(input: string, stretches: readonly (readonly [number, number])[], output: string): void {
    const parts = stretches.map(([start, end], index) => {
      const name = stretches.length === 1 ? output : `${output}.${index}`;
      const bounds = [start, end, 1].map((value) => this.integers([value]));
      this.graph.addNode('Slice', [input, ...bounds], [name]);
      return name;
    });
    if (parts.length > 1) this.concat(parts, output);
  }

  /** Channels in another order. */
  gather(input: string, channels: readonly number[], output: string): void {
    this.graph.addNode('Gather', [input, this.integers(channels)], [output], { axis: int(1) });
  }

  /** Notes the type of a value, where the operators that make it are not among those whose shapes can be inferred. */
  declare(value: ValueInfo): void {
    this.declared.set(value.name, value);
  }

  /** Declares values as outputs and returns the graph. */
  finish(outputs: readonly string[]): Graph {
    const inferred = outputs.every((name) => this.declared.has(name)) ? undefined : inferShapes(this.graph);
    this.graph.outputs = outputs.map((name) => {
      const type = this.declared.get(name) ?? inferred?.get(name);
      if (!type) throw new Error(`Cannot put out "${name}": it is not in graph "${this.graph.name}"`);
      return { ...type, name };
    });
    return this.graph;
  }

  private integers(values: readonly number[]): string {
    const name = values.length > 4 ? this.graph.fresh('channels.order') : `channels.${values.join('.')}`;
    return this.graph.addIntegers(name, values);
  }

  private constant(name: string, data: Float32Array, dims: readonly number[] = [data.length]): string {
    this.graph.initializers.set(name, { dtype: 'float32', dims, data });
    return name;
  }

  private parameter(name: string, dims: readonly number[], values: Float64Array): string {
    const known = this.parameters.get(name);
    if (known && known !== values)
      throw new Error(`Cannot write "${name}": two steps have weights of this name`);
    if (!known) {
      this.parameters.set(name, values);
      this.graph.initializers.set(name, { dtype: 'float32', dims, data: new Float32Array(values) });
    }
    return name;
  }
}

const windowOf = ({ kernel, strides, pads, dilations }: Convolution): Record<string, Attribute> => ({
  kernel_shape: ints(kernel),
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints(dilations),
});
