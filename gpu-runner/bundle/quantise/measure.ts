import type { Tensor } from '../../../shared/tensor.ts';
import { orderedBatches, type Dataset } from '../../engine/dataset.ts';
import type { CalibrateOptions } from './calibrate.ts';
import { openParts, type Parts } from './parts.ts';

/** What every task answers on one batch: [samples, ...]. */
export type Answers = ReadonlyMap<string, Tensor<'float32'>>;

/** How far answers are from those of the float network. */
export interface OutputError {
  /** Root of the mean squared difference, over that of the float answers. */
  readonly relative: number;
  readonly maxAbs: number;
  /** Share of samples (0 to 1) whose largest output is the same one. */
  readonly agreement: number;
}

/** Runs trunk and heads over batches of the input. @throws {Error} when an answer is not float32 */
export async function* answersOf(
  parts: Parts,
  batches: Iterable<Tensor<'float32'>>,
  { provider, signal }: CalibrateOptions,
): AsyncGenerator<Answers> {
  const open = await openParts(parts, { provider });
  try {
    for (const batch of batches) {
      signal?.throwIfAborted();
      const outputs = await open.run(batch);
      const answers = new Map<string, Tensor<'float32'>>();
      for (const { task, graph } of parts.heads) {
        const answer = outputs.get(task)?.[graph.outputs[0]?.name ?? ''];
        if (answer?.dtype !== 'float32')
          throw new Error(`Cannot measure "${task}": it answers ${answer?.dtype ?? 'nothing'}, not float32`);
        answers.set(task, answer);
      }
      yield answers;
    }
  } finally {
    await open.release();
  }
}

/** All of {@link answersOf}. */
export async function collectAnswers(
  parts: Parts,
  batches: Iterable<Tensor<'float32'>>,
  options: CalibrateOptions,
): Promise<Answers[]> {
  const all: Answers[] = [];
  for await (const one of answersOf(parts, batches, options)) all.push(one);
  return all;
}

/** By task. NaN anywhere is infinitely far. */
export function compareAnswers(
  expected: readonly Answers[],
  answers: readonly Answers[],
): Record<string, OutputError> {
  const tasks = [...(expected[0]?.keys() ?? [])];
  return Object.fromEntries(
    tasks.map((task) => [
      task,
      compare(
        expected.map((batch) => batch.get(task)),
        answers.map((batch) => batch.get(task)),
      ),
    ]),
  );
}

type Batches = readonly (Tensor<'float32'> | undefined)[];

function compare(expected: Batches, answers: Batches): OutputError {
  let [squares, differences, maxAbs, samples, same] = [0, 0, 0, 0, 0];
  for (const [index, batch] of expected.entries()) {
    const answer = answers[index]?.data;
    if (!batch || answer?.length !== batch.data.length)
      return { relative: Infinity, maxAbs: Infinity, agreement: 0 };
    for (const [i, value] of batch.data.entries()) {
      const difference = Math.abs((answer[i] ?? NaN) - value);
      if (Number.isNaN(difference)) return { relative: Infinity, maxAbs: Infinity, agreement: 0 };
      squares += value * value;
      differences += difference * difference;
      maxAbs = Math.max(maxAbs, difference);
    }
    const classes = batch.data.length / (batch.dims[0] ?? 1);
    for (let row = 0; row < batch.data.length; row += classes) {
      const end = row + classes;
      samples += 1;
      if (largestOf(batch.data.subarray(row, end)) === largestOf(answer.subarray(row, end))) same += 1;
    }
  }
  const relative = differences === 0 ? 0 : Math.sqrt(differences / squares);
  return { relative, maxAbs, agreement: samples === 0 ? 1 : same / samples };
}

/** Samples computed at once. */
const batchSize = 128;

/** A data set's samples in order, as batches of a network's input. */
export function* batchesOf(data: Dataset): Generator<Tensor<'float32'>> {
  for (const indices of orderedBatches(data, batchSize))
    yield { dtype: 'float32', dims: [indices.length, ...data.sampleDims], data: data.inputs(indices) };
}

/**
 * Samples of one task that are answered right.
 *
 * @throws {Error} when there is no such task or no sample, or data and outputs do not fit each other
 */
export async function countRight(
  parts: Parts,
  task: string,
  data: Dataset,
  options: CalibrateOptions,
): Promise<number> {
  const refuse = (reason: string): Error => new Error(`Cannot measure "${task}": ${reason}`);
  const heads = parts.heads.filter((head) => head.task === task);
  if (heads.length === 0) throw refuse(`there are ${parts.heads.map((head) => head.task).join(', ')}`);
  if (data.size === 0) throw refuse('the data set is empty');
  let right = 0;
  let sample = 0;
  for await (const answers of answersOf({ trunk: parts.trunk, heads }, batchesOf(data), options)) {
    const { dims, data: scores } = answers.get(task) ?? { dims: [0], data: new Float32Array() };
    const [rows = 0] = dims;
    if (rows === 0 || scores.length !== rows * data.classes)
      throw refuse(`it answers [${dims.join()}], the samples have ${data.classes} classes`);
    for (let row = 0; row < rows; row += 1) {
      const label = largestOf(scores.subarray(row * data.classes, (row + 1) * data.classes));
      if (label === data.labels[sample]) right += 1;
      sample += 1;
    }
  }
  return right;
}

/** The first among equals. */
export function largestOf(scores: Float32Array): number {
  let best = 0;
  for (let index = 1; index < scores.length; index += 1)
    if ((scores[index] ?? -Infinity) > (scores[best] ?? -Infinity)) best = index;
  return best;
}
