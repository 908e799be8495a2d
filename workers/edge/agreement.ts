import { TrunklineError } from '../../shared/errors.ts';
import { maxPredictions, type Agreement } from '../../shared/exposure.ts';
import type { Tensor } from '../../shared/tensor.ts';

/** Outputs as rows of numbers, one a sample. */
interface Rows {
  readonly samples: number;
  readonly width: number;
  readonly values: ArrayLike<number>;
  /** Whether a row holds the scores of classes: [samples, classes]. */
  readonly classes: boolean;
}

/** Null for what is not numbers here: strings, and 16-bit floats, which are raw bits. */
function rowsOf({ dtype, dims, data }: Tensor): Rows | null {
  const samples = dims[0] ?? 1;
  if (dtype === 'string' || dtype === 'float16' || dtype === 'bfloat16' || samples === 0) return null;
  const values = dtype === 'int64' || dtype === 'uint64' ? Array.from(data, Number) : data;
  const width = values.length / samples;
  return { samples, width, values, classes: dims.length === 2 && width > 1 };
}

/** Where the row's largest value is, the first of several; 0 when nothing is larger than anything (NaN). */
function largestAt({ values, width }: Rows, row: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) {
    if ((values[row * width + i] ?? NaN) > (values[row * width + best] ?? NaN)) best = i;
  }
  return best;
}

/** The class of each of the first `maxPredictions` samples; null for outputs that are not scores of classes. */
export function predictedClasses(output: Tensor): number[] | null {
  const rows = rowsOf(output);
  if (!rows?.classes) return null;
  return Array.from({ length: Math.min(rows.samples, maxPredictions) }, (_, row) => largestAt(rows, row));
}

/** log(sum(exp(row))), by the largest value, so that no term overflows. */
function logSumExp({ values, width }: Rows, row: number): number {
  let largest = -Infinity;
  for (let i = 0; i < width; i++) largest = Math.max(largest, values[row * width + i] ?? NaN);
  let sum = 0;
  for (let i = 0; i < width; i++) sum += Math.exp((values[row * width + i] ?? NaN) - largest);
  return largest + Math.log(sum);
}

/**
 * KL(softmax(reply), softmax(shadow)) of one row, in nats. Computed from log-probabilities, which stay finite where
 * probabilities underflow.
 */
function divergence(reply: Rows, shadow: Rows, row: number): number {
  const [replyNorm, shadowNorm] = [logSumExp(reply, row), logSumExp(shadow, row)];
  let sum = 0;
  for (let i = row * reply.width; i < (row + 1) * reply.width; i++) {
    const log = (reply.values[i] ?? NaN) - replyNorm;
    sum += Math.exp(log) * (log - ((shadow.values[i] ?? NaN) - shadowNorm));
  }
  // Not below 0 but for rounding. Math.max keeps NaN.
  return Math.max(0, sum);
}

/**
 * How far the shadow's outputs of one task agree with the reply's; null for outputs that are not numbers.
 *
 * An infinite or undefined difference (NaN in one of them) is told as the largest number there is, and the divergence
 * of such outputs is null.
 *
 * @throws {TrunklineError} `unprocessable`, when the shapes differ: the arms do not answer the same question
 */
export function compareOutputs(task: string, reply: Tensor, shadow: Tensor): Agreement | null {
  if (reply.dims.join() !== shadow.dims.join()) {
    throw new TrunklineError(
      'unprocessable',
      `Cannot compare "${task}": the reply has shape [${reply.dims.join(', ')}], the shadow [${shadow.dims.join(', ')}]`,
    );
  }
  const [ours, theirs] = [rowsOf(reply), rowsOf(shadow)];
  if (!ours || !theirs) return null;
  let maxDifference = 0;
  for (let i = 0; i < ours.values.length; i++) {
    const [a, b] = [ours.values[i] ?? NaN, theirs.values[i] ?? NaN];
    const difference = Object.is(a, b) ? 0 : Math.abs(a - b);
    maxDifference = Math.max(maxDifference, Number.isFinite(difference) ? difference : Number.MAX_VALUE);
  }
  const { samples } = ours;
  if (!ours.classes) return { samples, top1Matches: null, maxDifference, kl: null };
  let top1Matches = 0;
  let divergences = 0;
  for (let row = 0; row < samples; row++) {
    if (largestAt(ours, row) === largestAt(theirs, row)) top1Matches += 1;
    divergences += divergence(ours, theirs, row);
  }
  const kl = divergences / samples;
  return { samples, top1Matches, maxDifference, kl: Number.isFinite(kl) ? kl : null };
}
