import { Random } from '../../../gpu-runner/engine/random.ts';
import { createSession } from '../../../gpu-runner/engine/session.ts';
import { Graph, int, ints, type Attribute } from '../../../gpu-runner/onnx/graph.ts';
import { elementCount, type Tensor } from '../../../shared/tensor.ts';

/** Builds a chain node by node, with random weights. */
export class NetBuilder {
  readonly graph = new Graph('net');
  private readonly random: Random;
  private value: string;

  constructor(seed: number, inputDims: readonly number[], inputName = 'image') {
    this.random = new Random(seed);
    this.value = inputName;
    this.graph.inputs = [{ name: inputName, dtype: 'float32', dims: ['N', ...inputDims] }];
  }

  constant(name: string, dims: readonly number[], scale = 1, offset = 0): string {
    const data = Float32Array.from(
      { length: elementCount(dims) },
      () => offset + scale * this.random.normal(),
    );
    this.graph.initializers.set(name, { dtype: 'float32', dims, data });
    return name;
  }

  op(op: string, constants: readonly string[] = [], attributes: Record<string, Attribute> = {}): this {
    const output = `v${this.graph.nodes.length}`;
    const inputs = [this.value, ...constants];
    this.graph.nodes.push({
      name: `${op}${this.graph.nodes.length}`,
      op,
      domain: '',
      inputs,
      outputs: [output],
      attributes,
    });
    this.value = output;
    return this;
  }

  conv(name: string, from: number, to: number, kernel = 3, attributes: Record<string, Attribute> = {}): this {
    const scale = Math.sqrt(2 / (from * kernel * kernel));
    const weight = this.constant(`${name}.weight`, [to, from, kernel, kernel], scale);
    return this.op('Conv', [weight, this.constant(`${name}.bias`, [to], 0.1)], attributes);
  }

  dense(name: string, from: number, to: number): this {
    const weight = this.constant(`${name}.weight`, [to, from], Math.sqrt(2 / from));
    return this.op('Gemm', [weight, this.constant(`${name}.bias`, [to], 0.1)], { transB: int(1) });
  }

  end(): Graph {
    const node = this.graph.nodes.at(-1);
    if (node) node.outputs = ['logits'];
    this.graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', null] }];
    return this.graph;
  }
}

export interface Widths {
  readonly conv1?: number;
  readonly conv2?: number;
  readonly fc1?: number;
  readonly classes?: number;
}

export const convInput = [2, 9, 9];

/** conv 3x3, max pool, conv 3x3 with stride 2 and padding, flatten, dense, logits. */
export function convNet(seed: number, { conv1 = 4, conv2 = 5, fc1 = 7, classes = 3 }: Widths = {}): Graph {
  return new NetBuilder(seed, convInput)
    .conv('conv1', 2, conv1)
    .op('Relu')
    .op('MaxPool', [], { kernel_shape: ints([2, 2]), strides: ints([1, 1]) })
    .conv('conv2', conv1, conv2, 3, { strides: ints([2, 2]), pads: ints([1, 1, 0, 0]) })
    .op('Relu')
    .op('Flatten')
    .dense('fc1', conv2 * 9, fc1)
    .op('Relu')
    .dense('fc2', fc1, classes)
    .end();
}

export const denseInput = [6];

/** Two hidden dense layers. */
export function denseNet(
  seed: number,
  { fc1 = 8, fc2 = 6, classes = 3 }: { fc1?: number; fc2?: number; classes?: number } = {},
): Graph {
  return new NetBuilder(seed, denseInput, 'vector')
    .dense('fc1', 6, fc1)
    .op('Relu')
    .dense('fc2', fc1, fc2)
    .op('Tanh')
    .dense('fc3', fc2, classes)
    .end();
}

export function randomInput(dims: readonly number[], seed: number): Tensor<'float32'> {
  const random = new Random(seed);
  return {
    dtype: 'float32',
    dims,
    data: Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  };
}

/** All outputs of a graph for the given inputs. */
export async function outputsOf(
  graph: Graph,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const session = await createSession(graph, { provider: 'cpu' });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** The only output of a graph with one input. */
export async function answerOf(graph: Graph, input: Tensor): Promise<Float32Array> {
  const [name = ''] = graph.inputs.map((value) => value.name);
  const [output] = Object.values(await outputsOf(graph, { [name]: input }));
  if (output?.dtype !== 'float32') throw new Error('the graph has no float32 output');
  return output.data;
}

export const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length
    ? Array.from(a).reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? NaN))), 0)
    : Infinity;

export interface Permuted {
  readonly graph: Graph;
  /** By layer: which channel of the original each channel of the copy is. */
  readonly orders: Readonly<Record<string, readonly number[]>>;
}

/** A copy of a net of this file that computes the same with the channels of its hidden layers in another order. */
export function permuted(original: Graph, hidden: readonly string[], seed: number): Permuted {
  const graph = original.clone();
  const random = new Random(seed);
  const orders: Record<string, number[]> = {};
  const names = [...graph.initializers.keys()]
    .filter((name) => name.endsWith('.weight'))
    .map((name) => name.slice(0, -7));
  for (const layer of hidden) {
    const next = names[names.indexOf(layer) + 1] ?? '';
    const channels = graph.initializers.get(`${layer}.bias`)?.dims[0] ?? 0;
    const order = Array.from(random.permutation(channels));
    orders[layer] = order;
    reorder(graph, `${layer}.weight`, 0, order);
    reorder(graph, `${layer}.bias`, 0, order);
    const area = (graph.initializers.get(`${next}.weight`)?.dims[1] ?? 0) / channels;
    reorder(
      graph,
      `${next}.weight`,
      1,
      order.flatMap((channel) => Array.from({ length: area }, (_, k) => channel * area + k)),
    );
  }
  return { graph, orders };
}

function reorder(graph: Graph, name: string, axis: number, order: readonly number[]): void {
  const tensor = graph.initializers.get(name);
  if (tensor?.dtype !== 'float32') throw new Error(`no weights ${name}`);
  const outer = elementCount(tensor.dims.slice(0, axis));
  const inner = elementCount(tensor.dims.slice(axis + 1));
  const data = new Float32Array(tensor.data.length);
  for (let o = 0; o < outer; o += 1) {
    order.forEach((from, to) => {
      const start = (o * order.length + from) * inner;
      data.set(tensor.data.subarray(start, start + inner), (o * order.length + to) * inner);
    });
  }
  graph.initializers.set(name, { ...tensor, data });
}
