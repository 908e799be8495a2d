import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession } from '../engine/session.ts';
import { int } from '../onnx/graph.ts';
import type { Graph } from '../onnx/graph.ts';
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { matrix, type Matrix } from '../linalg/matrix.ts';
import { inputsFor, type Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { inOwnOrder } from './taskGram.ts';
import { single } from './taskSet.ts';
import { homesOf, TaskWriter } from './taskWriter.ts';
import { valueAt, type Layer } from './topology.ts';
import { unfold } from './unfold.ts';

export interface GramOptions {
  /** Sample indices to average over. */
  readonly samples: Uint32Array;
  readonly provider: Provider;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of unfolded inputs computed at once. */
const chunkBytes = 64 * 2 ** 20;

/** A float64 Gram matrix of more inputs than this (2 GiB) is refused. */
const maxInputs = 16_384;

/**
 * The Gram matrix of one task at one layer, through the network as it stands, in the order of the task's own network, the
 * bias last; float64 sums, inputs streamed in chunks.
 *
 * @throws {Error} when the layer has too many inputs or there are no samples.
 */
export async function measureGram(
  network: Network,
  step: Layer,
  task: number,
  data: Dataset,
  options: GramOptions,
): Promise<Matrix> {
  const n = inputsFor(network, step, single(task)).reduce((sum, { columns }) => sum + columns, 0);
  if (n >= maxInputs) {
    const size = ((8 * (n + 1) ** 2) / 2 ** 30).toFixed(1);
    throw new Error(`Cannot measure ${step.name}: the Gram matrix of its ${n} inputs would take ${size} GiB`);
  }
  const positions = elementCount(valueAt(network.topology, step.output).size);
  const graph = gramGraph(network, step, task, n);
  const outputs = { products: new Float64Array(n * n), sums: new Float64Array(n) };
  const chunk = Math.max(1, Math.min(256, Math.floor(chunkBytes / (8 * n * positions))));
  await sumOverSamples(graph, step.name, data, chunk, outputs, options);
  return inOwnOrder(
    network,
    step,
    task,
    bordered(outputs.products, outputs.sums, options.samples.length * positions),
  );
}

/**
 * Runs a graph over samples, chunk by chunk, and adds up what it puts out.
 *
 * @param totals by output name, float64, of the output's length
 * @throws {Error} when there are no samples.
 */
export async function sumOverSamples(
  graph: Graph,
  name: string,
  data: Dataset,
  chunk: number,
  totals: Readonly<Record<string, Float64Array>>,
  { samples, provider, signal }: GramOptions,
): Promise<void> {
  if (samples.length === 0) throw new Error(`Cannot measure ${name}: there are no samples`);
  const [input] = graph.inputs;
  if (!input) throw new Error(`Cannot measure ${name}: nothing of the input reaches it`);
  const session = await createSession(graph, { provider });
  try {
    for (let start = 0; start < samples.length; start += chunk) {
      signal?.throwIfAborted();
      const part = samples.subarray(start, start + chunk);
      const dims = [part.length, ...data.sampleDims];
      const feeds = { [input.name]: { dtype: 'float32', dims, data: data.inputs(part) } } as const;
      const results = await session.run(feeds);
      for (const [output, total] of Object.entries(totals)) accumulate(total, results[output]);
    }
  } finally {
    await session.release();
  }
}

/** Writes what a task's samples look like where a step reads them; returns the value's name, channels as the task has them. */
export function writeInput(network: Network, value: number, task: number, writer: NetworkWriter): string {
  const input = writer.input(network.topology.input.name);
  const reader = new TaskWriter(writer, network, task, { input: () => input });
  return reader.joined(value, homesOf(network, value, task));
}

/** From samples to the sum of x x' and the sum of x over them. */
function gramGraph(network: Network, step: Layer, task: number, n: number): Graph {
  const writer = new NetworkWriter(network, 'gram');
  const { graph } = writer;
  const joined = writeInput(network, step.input, task, writer);
  const { size } = valueAt(network.topology, step.output);
  const columns = unfold(graph, joined, step.convolution, size, n);
  graph.addNode('Cast', [columns], ['columns'], { to: int(11) });
  graph.addNode('Gemm', ['columns', 'columns'], ['products'], { transB: int(1) });
  graph.initializers.set('axis', { dtype: 'int64', dims: [1], data: BigInt64Array.of(1n) });
  graph.addNode('ReduceSum', ['columns', 'axis'], ['sums'], { keepdims: int(0) });
  return writer.finish(['products', 'sums']);
}

function accumulate(total: Float64Array, part: Tensor | undefined): void {
  if (part?.dtype !== 'float64' || part.data.length !== total.length) {
    throw new Error(`Cannot add up a Gram matrix: a chunk has dims [${part?.dims.join() ?? ''}]`);
  }
  for (let index = 0; index < total.length; index += 1)
    total[index] = (total[index] ?? 0) + (part.data[index] ?? 0);
}

/** The mean, with the constant input of the bias as last row and column. */
function bordered(products: Float64Array, sums: Float64Array, count: number): Matrix {
  const n = sums.length;
  const gram = matrix(n + 1, n + 1);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < n; j += 1) gram.data[i * (n + 1) + j] = (products[i * n + j] ?? 0) / count;
    gram.data[i * (n + 1) + n] = gram.data[n * (n + 1) + i] = (sums[i] ?? 0) / count;
  }
  gram.data[n * (n + 1) + n] = 1;
  return gram;
}
