import { Graph, int, ints, type Attribute, type ValueInfo } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Matrix } from '../linalg/matrix.ts';
import type { ChannelOp } from './chain.ts';
import { inputBlocks, layerAt, type Block, type Network } from './network.ts';
import { label, type TaskSet } from './taskSet.ts';

/** The name of the weights on the edge from block `from` of the layer below to block `to` of layer `index`. */
export function weightName(network: Network, index: number, to: TaskSet, from: TaskSet): string {
  const source = index === 0 ? 'input' : label(from, network.tasks);
  return `${layerAt(network, index).shape.name}.${label(to, network.tasks)}.from.${source}.weight`;
}

export function biasName(network: Network, index: number, to: TaskSet): string {
  return `${layerAt(network, index).shape.name}.${label(to, network.tasks)}.bias`;
}

/** Dims of a weight tensor: [channels, input channels, ...kernel], or [channels, inputs] of a dense layer. */
export function weightDims(network: Network, index: number, { rows, cols }: Matrix): number[] {
  const { convolution, area } = layerAt(network, index).shape;
  return convolution ? [rows, cols / area, ...convolution.kernel] : [rows, cols];
}

/**
 * Writes parts of a network into one ONNX graph. A block may be written several times, on different inputs: its
 * weights are then stored once and read by all.
 */
export class NetworkWriter {
  readonly graph: Graph;
  private readonly network: Network;
  private readonly parameters = new Map<string, Float64Array>();

  constructor(network: Network, name: string) {
    this.network = network;
    this.graph = new Graph(name);
  }

  /** A batch of samples, made ready for the first layer. */
  input(name: string): string {
    this.graph.inputs.push({ name, dtype: 'float32', dims: ['N', ...this.network.input.dims] });
    return this.channelOps(name, `${name}.prepared`, this.network.before);
  }

  /** A value that another graph computes. */
  tap(value: ValueInfo): string {
    this.graph.inputs.push(value);
    return value.name;
  }

  /**
   * One block of layer `index` and what happens to its channels after it.
   *
   * @param inputs values of the blocks below that are to be read; edges from others are left out
   * @param name what the value written is called
   */
  block(index: number, block: Block, inputs: ReadonlyMap<TaskSet, string>, name: string): string {
    const { shape } = layerAt(this.network, index);
    const edges = inputBlocks(this.network, index).flatMap(({ tasks }) => {
      const weight = block.edges.get(tasks);
      const value = inputs.get(tasks);
      return weight && value !== undefined ? [{ from: tasks, weight, value }] : [];
    });
    if (edges.length === 0) throw new Error(`Cannot write "${name}": it reads no input`);
    const last = shape.after.length === 0 ? name : `${name}.${shape.convolution ? 'conv' : 'dense'}`;
    let sum = this.bias(index, block);
    edges.forEach(({ from, weight, value }, position) => {
      const result = position === edges.length - 1 ? last : `${last}.${position}`;
      const weights = this.weight(index, block.tasks, from, weight);
      sum = this.edge(index, value, weights, sum, result, position === 0);
    });
    return this.channelOps(sum, name, shape.after);
  }

  /** Declares values as outputs and returns the graph. */
  finish(outputs: readonly string[]): Graph {
    const types = inferShapes(this.graph);
    this.graph.outputs = outputs.map((name) => {
      const type = types.get(name);
      if (!type) throw new Error(`Cannot put out "${name}": it is not in graph "${this.graph.name}"`);
      return { name, ...type };
    });
    return this.graph;
  }

  /** Adds what comes over one edge to the bias or the sum so far. Conv can take only a bias, Gemm either. */
  private edge(
    index: number,
    value: string,
    weights: string,
    sum: string,
    result: string,
    isFirst: boolean,
  ): string {
    const { convolution } = layerAt(this.network, index).shape;
    if (!convolution) {
      this.graph.addNode('Gemm', [value, weights, sum], [result], { transB: int(1) });
      return result;
    }
    const attributes: Record<string, Attribute> = {
      kernel_shape: ints(convolution.kernel),
      strides: ints(convolution.strides),
      pads: ints(convolution.pads),
      dilations: ints(convolution.dilations),
    };
    if (isFirst) {
      this.graph.addNode('Conv', [value, weights, sum], [result], attributes);
    } else {
      this.graph.addNode('Conv', [value, weights], [`${result}.edge`], attributes);
      this.graph.addNode('Add', [sum, `${result}.edge`], [result]);
    }
    return result;
  }

  private channelOps(value: string, name: string, ops: readonly ChannelOp[]): string {
    ops.forEach(({ op, attributes, bounds }, position) => {
      const result = position === ops.length - 1 ? name : `${name}.${op}`;
      const scalars = bounds.map((bound) => (bound === null ? '' : this.scalar(bound)));
      this.graph.addNode(op, [value, ...scalars], [result], { ...attributes });
      value = result;
    });
    return value;
  }

  private scalar(value: number): string {
    const name = `constant.${value}`;
    this.graph.initializers.set(name, { dtype: 'float32', dims: [], data: Float32Array.of(value) });
    return name;
  }

  private weight(index: number, to: TaskSet, from: TaskSet, weight: Matrix): string {
    const name = weightName(this.network, index, to, from);
    return this.parameter(name, weightDims(this.network, index, weight), weight.data);
  }

  private bias(index: number, block: Block): string {
    return this.parameter(biasName(this.network, index, block.tasks), [block.bias.length], block.bias);
  }

  private parameter(name: string, dims: readonly number[], values: Float64Array): string {
    const known = this.parameters.get(name);
    if (known && known !== values)
      throw new Error(`Cannot write "${name}": two layers have weights of this name`);
    if (!known) {
      this.parameters.set(name, values);
      this.graph.initializers.set(name, { dtype: 'float32', dims, data: Float32Array.from(values) });
    }
    return name;
  }
}
