import type { Dataset } from '../../engine/dataset.ts';
import type { Provider } from '../../engine/providers.ts';
import type { Graph } from '../../onnx/graph.ts';
import { answersOf, batchesOf, largestOf } from '../quantise/measure.ts';
import type { Parts } from '../quantise/parts.ts';

/** A matrix of more classes is a picture of dots, and a megabyte of numbers. */
export const mostConfused = 256;

/**
 * How often samples of each class were answered with each class: a row each true label, a column each answer.
 *
 * @param graph one input, one output [batch, classes]; among equal outputs the first counts
 * @throws {Error} when the graph is not such a classifier, or the data set is empty or does not fit it
 */
export async function confusionOf(
  graph: Graph,
  data: Dataset,
  options: { readonly provider: Provider; readonly signal?: AbortSignal },
): Promise<number[][]> {
  if (graph.inputs.length !== 1 || graph.outputs.length !== 1)
    throw refusal(
      graph.name,
      `it has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs, not one of each`,
    );
  return confusionOfTask({ trunk: null, heads: [{ task: graph.name, graph }] }, graph.name, data, options);
}

/** The same of one task of a trunk and heads, through its own head alone. */
export async function confusionOfTask(
  { trunk, heads }: Parts,
  task: string,
  data: Dataset,
  options: { readonly provider: Provider; readonly signal?: AbortSignal },
): Promise<number[][]> {
  const refuse = (reason: string): Error => refusal(task, reason);
  if (data.size === 0) throw refuse('the data set is empty');
  const { classes } = data;
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  let sample = 0;
  const parts = { trunk, heads: heads.filter((head) => head.task === task) };
  for await (const answers of answersOf(parts, batchesOf(data), options)) {
    const { dims, data: scores } = answers.get(task) ?? { dims: [], data: new Float32Array() };
    const rows = scores.length / classes;
    if (dims.length !== 2 || dims[1] !== classes)
      throw refuse(`its output is [${dims.join()}], the samples have ${classes} classes`);
    for (let row = 0; row < rows; row += 1) {
      const answer = largestOf(scores.subarray(row * classes, (row + 1) * classes));
      const truth = counts[data.labels[sample] ?? -1];
      if (truth) truth[answer] = (truth[answer] ?? 0) + 1;
      sample += 1;
    }
  }
  return counts;
}

const refusal = (what: string, reason: string): Error =>
  new Error(`Cannot count the confusion of "${what}": ${reason}`);
