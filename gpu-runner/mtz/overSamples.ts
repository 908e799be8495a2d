import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession } from '../engine/session.ts';
import type { Graph } from '../onnx/graph.ts';
import { widthOf, type Network } from './network.ts';

export interface GramOptions {
  /** Sample indices to average over. */
  readonly samples: Uint32Array;
  readonly provider: Provider;
  readonly signal?: AbortSignal | undefined;
  /** Of one sample's inputs, unfolded, above which a map is taken in bands; default 256 MiB. */
  readonly unfoldedBytes?: number | undefined;
}

/** Bytes of unfolded inputs computed at once, where more than one sample is. */
const chunkBytes = 64 * 2 ** 20;

/** Bytes of the largest map of a chunk; a few of these are in use at once. */
const mapBytes = 128 * 2 ** 20;

/**
 * Samples in a chunk: neither what a step reads, unfolded, nor any map on the way there is too large.
 *
 * @param inputs of one output position of the step
 */
export function samplesAtOnce(network: Network, inputs: number, positions: number): number {
  const { topology, tasks } = network;
  const sizes = topology.values.flatMap(({ segments, size }) =>
    tasks.map((_, task) =>
      segments.reduce(
        (sum, { group, area }) => sum + widthOf(network, group, task) * area * elementCount(size),
        0,
      ),
    ),
  );
  const unfolded = chunkBytes / (8 * inputs * positions);
  return Math.max(1, Math.floor(Math.min(256, unfolded, mapBytes / (4 * Math.max(1, ...sizes)))));
}

/**
 * Runs a graph over samples, chunk by chunk.
 *
 * @param take what becomes of a chunk's results
 * @throws {Error} when there are no samples.
 */
export async function overSamples(
  graph: Graph,
  name: string,
  data: Dataset,
  chunk: number,
  { samples, provider, signal }: GramOptions,
  take: (results: Readonly<Record<string, Tensor>>) => void | Promise<void>,
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
      await take(await session.run(feeds));
    }
  } finally {
    await session.release();
  }
}

/**
 * Adds what a graph puts out for a chunk to the totals, by output name.
 *
 * @throws {Error} when one is not float64 of the total's length.
 */
export function addUp(
  totals: Readonly<Record<string, Float64Array>>,
  results: Readonly<Record<string, Tensor>>,
): void {
  for (const [output, total] of Object.entries(totals)) {
    const part = results[output];
    if (part?.dtype !== 'float64' || part.data.length !== total.length)
      throw new Error(`Cannot add up a Gram matrix: a chunk has dims [${part?.dims.join() ?? ''}]`);
    for (let index = 0; index < total.length; index += 1)
      total[index] = (total[index] ?? 0) + (part.data[index] ?? 0);
  }
}
