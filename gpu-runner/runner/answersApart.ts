import { orderedBatches, type Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession, type Session } from '../engine/session.ts';
import { logitsOf } from '../mtz/logitsOf.ts';
import type { Graph } from '../onnx/graph.ts';

/** A network of one task and samples as it reads them. */
export interface Answering {
  readonly graph: Graph;
  readonly data: Dataset;
}

/** Samples that tell a mean well enough. */
const mostSamples = 1024;
const batchSize = 256;

/**
 * How far one network's answers are from another's on the same samples: the mean squared difference of their logits, as a
 * part of the variance of the other's.
 *
 * @returns no number where the other's answers do not vary
 * @throws {Error} when the two answer with another number of logits.
 */
export async function answersApart(
  merged: Answering,
  separate: Answering,
  { provider, signal }: { readonly provider: Provider; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const graphs = [logitsOf(merged.graph), logitsOf(separate.graph)] as const;
  const sessions: Session[] = [];
  try {
    for (const graph of graphs) sessions.push(await createSession(graph, { provider }));
    const moments: { sum: number; square: number }[] = [];
    let [count, apart] = [0, 0];
    for (const indices of orderedBatches(separate.data, batchSize)) {
      if (count >= mostSamples) break;
      signal?.throwIfAborted();
      const [own = none, other = none] = await Promise.all(
        [merged.data, separate.data].map((data, at) => logits(sessions[at], graphs[at], data, indices)),
      );
      if (own.length !== other.length || own.length === 0)
        throw new Error(`Cannot compare answers of ${own.length} numbers with answers of ${other.length}`);
      const width = other.length / indices.length;
      for (const [at, value] of other.entries()) {
        apart += ((own[at] ?? 0) - value) ** 2;
        const moment = (moments[at % width] ??= { sum: 0, square: 0 });
        moment.sum += value;
        moment.square += value ** 2;
      }
      count += indices.length;
    }
    const varies = moments.reduce((total, { sum, square }) => total + square - sum ** 2 / count, 0);
    return varies > 0 ? apart / varies : NaN;
  } finally {
    for (const session of sessions) await session.release();
  }
}

const none = new Float32Array();

async function logits(
  session: Session | undefined,
  graph: Graph | undefined,
  data: Dataset,
  indices: Uint32Array,
): Promise<Float32Array> {
  const inputs = data.inputs(indices);
  const dims = [indices.length, ...data.sampleDims];
  const results = await session?.run({
    [graph?.inputs[0]?.name ?? '']: { dtype: 'float32', dims, data: inputs },
  });
  const answer = results?.[graph?.outputs[0]?.name ?? ''];
  return answer?.dtype === 'float32' ? answer.data : none;
}
