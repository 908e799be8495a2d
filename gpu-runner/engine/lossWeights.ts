/** Factors of the objectives' losses in the sum that is minimised, beside their fixed weights. */
export type LossWeighting =
  | { readonly kind: 'fixed' }
  | {
      readonly kind: 'dynamic-average';
      /** How even the weights are: small follows the slowest task, large keeps all at 1. Default 2, the paper's. */
      readonly temperature?: number;
      /** Steps that a loss is averaged over before it is compared with the average before; default 25. */
      readonly window?: number;
    };

/**
 * Losses that dynamic averages go by, one number an objective: the sum over the window that is filling, the mean over
 * the last full window (0 before there is one), and over the full window before that.
 */
export type LossHistory = Readonly<Record<'sum' | 'last' | 'before', Float64Array>>;

export interface DynamicAverage {
  readonly start: LossHistory;
  /** One weight an objective for the step that follows `step` done ones; they add up to the number of objectives. */
  weights(history: LossHistory, step: number): number[];
  /** @param step how many are done, this one included */
  next(history: LossHistory, step: number, losses: readonly number[]): LossHistory;
}

/**
 * Dynamic Weight Average (Liu, Johns and Davison, CVPR 2019): w_k = K softmax_k(r_k / T), where r_k is the mean loss of
 * the last window over that of the window before. A task whose loss falls more slowly than the others' weighs more.
 *
 * Of the schemes in the literature the one that suits a light retraining: it needs no gradient beyond the step's own
 * (GradNorm does), its weights add up to the number of tasks, so that the learning rate keeps its meaning, and they stay
 * bounded when a distillation loss goes to 0 (weights by uncertainty, Kendall et al. 2018, grow as 1 / loss). The paper
 * averages over epochs; a retraining is shorter than one, so windows are counted in steps.
 *
 * @throws {RangeError} when the temperature is not above 0 or the window not a whole number of steps.
 */
export function dynamicAverage(
  { temperature = 2, window = 25 }: { readonly temperature?: number; readonly window?: number },
  objectives: number,
): DynamicAverage {
  if (!(temperature > 0 && temperature < Infinity))
    throw new RangeError(`Cannot weigh losses at temperature ${temperature}: it must be above 0`);
  if (!(Number.isInteger(window) && window >= 1))
    throw new RangeError(`Cannot average losses over ${window} steps`);
  const zeros = (): Float64Array => new Float64Array(objectives);
  return {
    start: { sum: zeros(), last: zeros(), before: zeros() },
    weights({ last, before }, step) {
      if (step < 2 * window) return Array<number>(objectives).fill(1);
      const ratios = Array.from(last, (mean, index) => ratio(mean, before[index] ?? 0) / temperature);
      const highest = Math.max(...ratios);
      const shares = ratios.map((value) => Math.exp(value - highest));
      const total = shares.reduce((sum, share) => sum + share, 0);
      return shares.map((share) => (objectives * share) / total);
    },
    next({ sum, last, before }, step, losses) {
      const added = sum.map((value, index) => value + (losses[index] ?? 0));
      if (step % window !== 0) return { sum: added, last, before };
      return { sum: zeros(), last: added.map((value) => value / window), before: last };
    },
  };
}

/**
 * A loss that was 0 has nothing left to fall: as one that stands still. One that grew tenfold within a window counts as
 * just that: a distillation loss near 0 can grow by any factor without meaning.
 */
const ratio = (last: number, before: number): number => (before > 0 ? Math.min(last / before, 10) : 1);
