import { confusionOf } from '../bundle/report/confusion.ts';
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

/** A matrix of more is a picture of dots, and a megabyte of numbers. */
const mostClasses = 256;

/** @throws {Error} when the graph is no classifier of the samples */
export async function judge(
  graph: Graph,
  data: Dataset,
  options: { readonly provider: Provider; readonly signal?: AbortSignal },
): Promise<Judgement> {
  const samples = data.size;
  if (data.classes > mostClasses) return { samples, accuracy: await accuracyOf(graph, data, options) };
  const confusion = await confusionOf(graph, data, options);
  const right = confusion.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
  return { samples, accuracy: right / samples, confusion };
}
