import type { Range } from './scales.ts';

/** Fine enough that a bin is an eighth of a step of int8. */
const bins = 2048;

/** How the range that an activation's integers cover is chosen from what it was seen to be. */
export const rangeMethods = ['min-max', 'percentile', 'least-squares'] as const;
export type RangeMethod = (typeof rangeMethods)[number];

/** Of the values, what `percentile` leaves outside, half of it at each end. */
const outliers = 1e-4;

/** The distribution of an activation: all of its values are shown twice, first for its extent, then to be counted. */
export class Histogram {
  #low = Infinity;
  #high = -Infinity;
  readonly #counts = new Float64Array(bins);

  /** @throws {RangeError} when a value is not finite. */
  widen(values: Float32Array, name: string): void {
    let [low, high] = [this.#low, this.#high];
    for (const value of values) {
      if (!Number.isFinite(value)) throw new RangeError(`Cannot calibrate "${name}": it was ${value}`);
      if (value < low) low = value;
      if (value > high) high = value;
    }
    [this.#low, this.#high] = [low, high];
  }

  count(values: Float32Array): void {
    const scale = bins / (this.#high - this.#low || 1);
    for (const value of values) {
      const bin = Math.min(bins - 1, Math.max(0, Math.floor((value - this.#low) * scale)));
      this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    }
  }

  /**
   * What the integers should cover: everything (`min-max`); all but one value in 10,000 (`percentile`); or what leaves
   * the least squared error, of rounding inside and of cutting off outside (`least-squares`).
   */
  range(method: RangeMethod): Range {
    switch (method) {
      case 'min-max':
        return { low: this.#low, high: this.#high };
      case 'percentile':
        return { low: this.#quantile(outliers / 2), high: this.#quantile(1 - outliers / 2) };
      case 'least-squares':
        return this.#leastSquares();
      default:
        return method satisfies never;
    }
  }

  /** A border of a bin, outwards: the value below which about this share of the values lies. */
  #quantile(share: number): number {
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const width = (this.#high - this.#low) / bins;
    let below = 0;
    for (const [bin, count] of this.#counts.entries()) {
      if (share < 0.5 && below + count > share * total) return this.#low + bin * width;
      below += count;
      if (share >= 0.5 && below >= share * total) return this.#low + (bin + 1) * width;
    }
    return this.#high;
  }

  #leastSquares(): Range {
    let best = { low: this.#low, high: this.#high };
    let least = this.#squaredError(best);
    for (let step = 1; step < 40; step += 1) {
      const share = 1 - step / 50;
      const range = { low: Math.min(0, this.#low) * share, high: Math.max(0, this.#high) * share };
      const error = this.#squaredError(range);
      if (error < least) [best, least] = [range, error];
    }
    return best;
  }

  #squaredError({ low, high }: Range): number {
    const width = (this.#high - this.#low) / bins;
    const step = (Math.max(high, 0) - Math.min(low, 0)) / 255;
    let error = 0;
    for (const [bin, count] of this.#counts.entries()) {
      const value = this.#low + (bin + 0.5) * width;
      const outside = Math.max(low - value, value - high, 0);
      // Exact zeros (half of what a ReLU makes) have no rounding error, but are the same in every range.
      error += count * (outside > 0 ? outside * outside : (step * step) / 12);
    }
    return error;
  }
}
