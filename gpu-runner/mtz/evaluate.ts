import { orderedBatches, type Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession } from '../engine/session.ts';
import type { Graph } from '../onnx/graph.ts';

export interface EvaluateOptions {
  readonly provider: Provider;
  /** Samples computed at once; default 256. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * Fraction of the samples (0 to 1) whose largest logit is that of their label; among equal logits the first counts.
 *
 * @param graph one input, one output [batch, classes]
 * @throws {Error} when the graph is not such a classifier or the data set is empty or does not fit it.
 */
export async function accuracyOf(graph: Graph, data: Dataset, options: EvaluateOptions): Promise<number> {
  const answers = await answersOf(graph, data, options);
  let right = 0;
  for (const [sample, answer] of answers.entries()) if (answer === data.labels[sample]) right += 1;
  return right / data.size;
}

/** The class that each sample is put into: [size]. @throws as `accuracyOf` */
export async function answersOf(graph: Graph, data: Dataset, options: EvaluateOptions): Promise<Int32Array> {
  const { provider, batchSize = 256, signal } = options;
  const [input, ...otherInputs] = graph.inputs;
  const [output, ...otherOutputs] = graph.outputs;
  if (!input || !output || otherInputs.length > 0 || otherOutputs.length > 0) {
    throw new Error(
      `Cannot evaluate "${graph.name}": it has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs, not one of each`,
    );
  }
  if (data.size === 0) throw new Error(`Cannot evaluate "${graph.name}": the data set is empty`);
  const session = await createSession(graph, { provider });
  try {
    const answers = new Int32Array(data.size);
    for (const indices of orderedBatches(data, batchSize)) {
      signal?.throwIfAborted();
      const dims = [indices.length, ...data.sampleDims];
      const results = await session.run({
        [input.name]: { dtype: 'float32', dims, data: data.inputs(indices) },
      });
      const logits = results[output.name];
      if (logits?.dtype !== 'float32' || logits.data.length !== indices.length * data.classes) {
        throw new Error(
          `Cannot evaluate "${graph.name}": its output is [${logits?.dims.join() ?? ''}], not [${indices.length},${data.classes}]`,
        );
      }
      indices.forEach((sample, row) => {
        const scores = logits.data.subarray(row * data.classes, (row + 1) * data.classes);
        answers[sample] = indexOfLargest(scores);
      });
    }
    return answers;
  } finally {
    await session.release();
  }
}

function indexOfLargest(scores: Float32Array): number {
  let best = 0;
  for (let index = 1; index < scores.length; index += 1) {
    if ((scores[index] ?? -Infinity) > (scores[best] ?? -Infinity)) best = index;
  }
  return best;
}
