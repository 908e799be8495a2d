import type { Graph } from '../onnx/graph.ts';
import { orderedBatches, type Dataset } from './dataset.ts';
import { measureAccuracy, measureDistillation, measureLoss, type Rows } from './losses/measure.ts';
import type { Objective } from './objective.ts';
import { createSession, type SessionOptions } from './session.ts';
import { floats } from './trainState.ts';

/** When to stop early, by samples that are not trained on (`Objective.validation`). */
export interface ValidationOptions {
  /** Steps between two looks; before the first step and after the last there is one as well. */
  readonly every: number;
  /** Looks in a row without a better score after which training stops. */
  readonly patience: number;
  /** How much better counts, in the metric's units; default 0: anything. */
  readonly minDelta?: number;
  /** The mean over objectives of the share put into the right class, or of the loss that is trained. */
  readonly metric: 'accuracy' | 'loss';
}

/** One look. */
export interface Validation {
  /** Steps done. */
  readonly step: number;
  /** What is compared: higher is better for `accuracy`, lower for `loss`. */
  readonly score: number;
  /** One an objective, in order; undefined without samples to validate on. */
  readonly scores: readonly (number | undefined)[];
}

/** @throws {Error} when there is nothing to validate on, or it does not fit what is trained. */
export function checkValidation(options: ValidationOptions, objectives: readonly Objective[]): void {
  const { every, patience, minDelta = 0, metric } = options;
  if (!(Number.isInteger(every) && every >= 1)) throw new RangeError(`Cannot validate every ${every} steps`);
  if (!(Number.isInteger(patience) && patience >= 1))
    throw new RangeError(`Cannot wait for a better score ${patience} times: it must be at least once`);
  if (!(minDelta >= 0))
    throw new RangeError(`Cannot ask for scores better by ${minDelta}: it must be at least 0`);
  if (objectives.every(({ validation }) => validation === undefined))
    throw new Error('Cannot validate: no objective has samples to validate on');
  for (const { output, data, validation, loss } of objectives) {
    if (!validation) continue;
    if (metric === 'accuracy' && loss === 'mean-squared-error')
      throw new Error(`Cannot validate "${output}" by accuracy: it is trained on numbers, not classes`);
    const of = ({ sampleDims, classes }: Dataset): string => `[${sampleDims.join()}] in ${classes} classes`;
    if (validation.size === 0 || of(validation) !== of(data)) {
      throw new Error(
        `Cannot validate "${output}" on ${validation.size} samples of ${of(validation)}: it is trained on ${of(data)}`,
      );
    }
  }
}

export const isBetter = (
  score: number,
  best: number,
  { metric, minDelta = 0 }: ValidationOptions,
): boolean => (metric === 'accuracy' ? score > best + minDelta : score < best - minDelta);

/** Bounds the memory of a look, whatever the training batch is. */
const batchSize = 128;

/**
 * Measures networks on the objectives' validation samples, as inference sees them: without noise, normalised by running
 * statistics. A teacher is asked once, and its logits kept.
 *
 * @returns what to call with a trained copy of the graph and the steps done
 */
export function createValidator(
  objectives: readonly Objective[],
  { metric }: ValidationOptions,
  sessionOptions: SessionOptions,
  signal?: AbortSignal,
): (graph: Graph, step: number) => Promise<Validation> {
  const teachers = new Map<Objective, Rows>();
  const logitsOf = async (graph: Graph, data: Dataset): Promise<Rows> =>
    readLogits(graph, data, sessionOptions, signal);

  const lossOf = async (objective: Objective, data: Dataset, logits: Rows): Promise<number> => {
    const { loss, teacher } = objective;
    const share = teacher?.distillation ?? 0;
    const byLabels = share < 1 ? (1 - share) * measureLoss(loss, logits, data.labels) : 0;
    if (!teacher || share === 0) return byLabels;
    const known = teachers.get(objective) ?? (await logitsOf(teacher.graph, data));
    teachers.set(objective, known);
    return byLabels + share * measureDistillation(logits, known, teacher.temperature);
  };
  return async (graph, step) => {
    const scores: (number | undefined)[] = [];
    for (const objective of objectives) {
      const { input, output, validation } = objective;
      if (!validation) {
        scores.push(undefined);
        continue;
      }
      const logits = await logitsOf(pathOf(graph, input, output), validation);
      scores.push(
        metric === 'accuracy'
          ? measureAccuracy(logits, validation.labels)
          : await lossOf(objective, validation, logits),
      );
    }
    const known = scores.filter((score) => score !== undefined);
    const score = known.reduce((sum, value) => sum + value, 0) / known.length;
    if (!Number.isFinite(score))
      throw new Error(`Cannot go on training: its validation is ${score} at step ${step}`);
    return { step, score, scores };
  };
}

function pathOf(graph: Graph, input: string, output: string): Graph {
  const inputs = graph.inputs.filter(({ name }) => name === input);
  return graph.extract(
    inputs.map((info) => ({ ...info, dims: ['N', ...info.dims.slice(1)] })),
    graph.outputs.filter(({ name }) => name === output),
  );
}

async function readLogits(
  graph: Graph,
  data: Dataset,
  sessionOptions: SessionOptions,
  signal: AbortSignal | undefined,
): Promise<Rows> {
  const session = await createSession(graph, sessionOptions);
  try {
    const [inputName = '', outputName = ''] = [session.inputNames[0], session.outputNames[0]];
    let values = new Float32Array();
    let filled = 0;
    for (const indices of orderedBatches(data, batchSize)) {
      signal?.throwIfAborted();
      const dims = [indices.length, ...data.sampleDims];
      const results = await session.run({
        [inputName]: { dtype: 'float32', dims, data: data.inputs(indices) },
      });
      const logits = floats(results[outputName], outputName);
      if (filled === 0) values = new Float32Array((logits.length / indices.length) * data.size);
      values.set(logits, filled);
      filled += logits.length;
    }
    return { width: values.length / data.size, values };
  } finally {
    await session.release();
  }
}
