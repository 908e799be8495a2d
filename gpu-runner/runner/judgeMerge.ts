import type { Agreement } from '../../shared/report.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import { accuracyOf, answersOf } from '../mtz/evaluate.ts';
import type { Network } from '../mtz/network.ts';
import { taskGraph } from '../mtz/wiring.ts';
import type { Source, Zipped } from '../mtz/zip.ts';
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

/** Where no labels tell what is right: how often the merged network answers as the task's own, on held-out samples. */
export async function agreements(
  sources: readonly Source[],
  network: Network,
  { provider, signal }: MergeOptions,
): Promise<Map<string, Agreement>> {
  const found = new Map<string, Agreement>();
  for (const { task, graph, train, validation } of sources) {
    const data = validation ?? train;
    if (isLabelled(data)) continue;
    const options = { provider, ...(signal && { signal }) };
    const labels = await answersOf(graph, data, options);
    const share = await accuracyOf(taskGraph(network, task), { ...data, labels }, options);
    found.set(task, { share, samples: data.size });
  }
  return found;
}

/** Mean over the tasks that have held-out samples of how far their answers are from those of the networks they came from. */
export async function distanceOf(
  sources: readonly Source[],
  { network, plan }: Zipped,
  { provider, signal }: MergeOptions,
): Promise<number | null> {
  // It stands beside what was predicted.
  if (!plan.prediction) return null;
  const distances: number[] = [];
  for (const { task, graph, validation: data } of sources) {
    if (!data) continue;
    const merged = { graph: taskGraph(network, task), data };
    distances.push(await answersApart(merged, { graph, data }, { provider, signal }));
  }
  return distances.length === 0 ? null : distances.reduce((sum, each) => sum + each, 0) / distances.length;
}
