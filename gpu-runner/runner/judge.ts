import { confusionOf, confusionOfTask, mostConfused } from '../bundle/report/confusion.ts';
import { countRight } from '../bundle/quantise/measure.ts';
import type { Parts } from '../bundle/quantise/parts.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { accuracyOf } from '../mtz/evaluate.ts';
import type { Graph } from '../onnx/graph.ts';

/** How a network did on held-out samples. */
export interface Judgement {
  /** Fraction of the samples answered right, 0 to 1. */
  readonly accuracy: number;
  readonly samples: number;
  /** A row each true label, a column each answer; absent where there are too many for anybody to look at. */
  readonly confusion?: number[][];
}

interface JudgeOptions {
  readonly provider: Provider;
  readonly signal?: AbortSignal;
}

/** @throws {Error} when the graph is no classifier of the samples */
export async function judge(graph: Graph, data: Dataset, options: JudgeOptions): Promise<Judgement> {
  const samples = data.size;
  if (data.classes > mostConfused) return { samples, accuracy: await accuracyOf(graph, data, options) };
  return judgementOf(await confusionOf(graph, data, options), samples);
}

/** The same of one task of a trunk and heads, as they are stored. */
export async function judgeTask(
  parts: Parts,
  task: string,
  data: Dataset,
  options: JudgeOptions,
): Promise<Judgement> {
  const samples = data.size;
  if (data.classes > mostConfused)
    return { samples, accuracy: (await countRight(parts, task, data, options)) / samples };
  return judgementOf(await confusionOfTask(parts, task, data, options), samples);
}

function judgementOf(confusion: number[][], samples: number): Judgement {
  const right = confusion.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
  return { samples, accuracy: right / samples, confusion };
}
