import type { Agreement } from '../../shared/report.ts';
import { composeTask } from '../bundle/composeTask.ts';
import { countRight } from '../bundle/quantise/measure.ts';
import type { Parts } from '../bundle/quantise/parts.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import { answersOf } from '../mtz/evaluate.ts';
import type { Source } from '../mtz/zip.ts';
import type { Graph } from '../onnx/graph.ts';
import { answersApart } from './answersApart.ts';
import { judge, type Judgement } from './judge.ts';
import type { MergeOptions } from './mergeOptions.ts';

/** Of each source that has held-out samples, by task. @throws {Error} naming the task */
export async function judgeAll<S extends { readonly task: string; readonly validation?: Dataset | null }>(
  sources: readonly S[],
  graphOf: (source: S) => Graph,
  { provider, signal }: MergeOptions,
): Promise<Map<string, Judgement>> {
  const judged = new Map<string, Judgement>();
  for (const source of sources) {
    if (!source.validation || !isLabelled(source.validation)) continue;
    const options = { provider, ...(signal && { signal }) };
    try {
      judged.set(source.task, await judge(graphOf(source), source.validation, options));
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Cannot measure the accuracy of "${source.task}": ${reason}`, { cause });
    }
  }
  return judged;
}

/**
 * Where no labels tell what is right: how often trunk and heads, as they are stored, answer as the task's own network does,
 * on held-out samples if there are any.
 */
export async function agreements(
  sources: readonly Source[],
  parts: Parts,
  { provider, signal }: MergeOptions,
): Promise<Map<string, Agreement>> {
  const found = new Map<string, Agreement>();
  for (const { task, graph, train, validation } of sources) {
    const data = validation ?? train;
    if (isLabelled(data)) continue;
    const options = { provider, ...(signal && { signal }) };
    const labels = await answersOf(graph, data, options);
    const same = await countRight(parts, task, { ...data, labels }, options);
    found.set(task, { share: same / data.size, samples: data.size });
  }
  return found;
}

/**
 * Mean over the tasks that have held-out samples of how far answers, of trunk and heads as they are stored, are from those
 * of the networks they came from.
 */
export async function distanceOf(
  sources: readonly Source[],
  parts: Parts,
  { provider, signal }: Pick<MergeOptions, 'provider' | 'signal'>,
): Promise<number | null> {
  const distances: number[] = [];
  for (const { task, graph, validation: data } of sources) {
    if (!data) continue;
    const merged = { graph: composeTask(parts, task), data };
    distances.push(await answersApart(merged, { graph, data }, { provider, signal }));
  }
  return distances.length === 0 ? null : distances.reduce((sum, each) => sum + each, 0) / distances.length;
}
