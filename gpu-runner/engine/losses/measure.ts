/**
 * The losses once more, in float64 on logits that are known: what validation goes by. The emitted ones need a graph of
 * fixed batch; these take the last, smaller batch of a data set as well.
 */
import type { LossName } from './losses.ts';

/** Logits or targets [samples, width], row-major. */
export interface Rows {
  readonly width: number;
  readonly values: ArrayLike<number>;
}

/**
 * The mean loss over the samples.
 *
 * @param labels one a row: a class, or the number itself where the width is 1
 */
export function measureLoss(loss: LossName, { width, values }: Rows, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let row = 0; row < labels.length; row += 1) {
    const logits = Array.from({ length: width }, (_, column) => values[row * width + column] ?? NaN);
    const label = labels[row] ?? NaN;
    const targets = logits.map((_, column) => (width === 1 ? label : column === label ? 1 : 0));
    sum += ofRow[loss](logits, targets);
  }
  return sum / labels.length;
}

const mean = (terms: readonly number[]): number => terms.reduce((sum, term) => sum + term, 0) / terms.length;
type RowLoss = (logits: readonly number[], targets: readonly number[]) => number;

const ofRow: Readonly<Record<LossName, RowLoss>> = {
  'softmax-cross-entropy': (logits, targets) => {
    const logProbabilities = logSoftmax(logits);
    return -targets.reduce((sum, target, column) => sum + target * (logProbabilities[column] ?? NaN), 0);
  },
  'binary-cross-entropy': (logits, targets) =>
    mean(
      logits.map(
        (logit, column) =>
          Math.max(logit, 0) - logit * (targets[column] ?? NaN) + Math.log1p(Math.exp(-Math.abs(logit))),
      ),
    ),
  'mean-squared-error': (logits, targets) =>
    mean(logits.map((logit, column) => (logit - (targets[column] ?? NaN)) ** 2)),
};

/** KL(softmax(teacher / T) || softmax(student / T)) T^2, the mean over the samples. */
export function measureDistillation(student: Rows, teacher: Rows, temperature: number): number {
  const { width } = student;
  const samples = student.values.length / width;
  const softened = ({ values }: Rows, row: number): number[] =>
    logSoftmax(
      Array.from({ length: width }, (_, column) => (values[row * width + column] ?? NaN) / temperature),
    );
  let sum = 0;
  for (let row = 0; row < samples; row += 1) {
    const [known, learnt] = [softened(teacher, row), softened(student, row)];
    sum += known.reduce((total, log, column) => total + Math.exp(log) * (log - (learnt[column] ?? NaN)), 0);
  }
  return (temperature ** 2 * sum) / samples;
}

/** Share of samples that are put into their class: the largest logit, or the sign of the only one. */
export function measureAccuracy({ width, values }: Rows, labels: ArrayLike<number>): number {
  let right = 0;
  for (let row = 0; row < labels.length; row += 1) {
    let best = width === 1 && (values[row] ?? NaN) > 0 ? 1 : 0;
    for (let column = 1; column < width; column += 1) {
      if ((values[row * width + column] ?? NaN) > (values[row * width + best] ?? NaN)) best = column;
    }
    if (best === labels[row]) right += 1;
  }
  return right / labels.length;
}

function logSoftmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
  return logits.map((logit) => logit - highest - Math.log(total));
}
