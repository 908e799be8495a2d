export interface LossPoint {
  readonly layer: string;
  readonly step: number;
  readonly losses: Record<string, number>;
}

/** Points kept at most: a curve on a screen has no room for more. */
const maxPoints = 500;

/**
 * The losses of a retraining of unknown length in a bounded number of points: when they are too many, every second one
 * goes, and from then on only every second one is taken.
 */
export class LossCurve {
  #kept: LossPoint[] = [];
  #every = 1;
  #seen = 0;

  add(layer: string, step: number, losses: Record<string, number>): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.#kept.push({ layer, step, losses });
    if (this.#kept.length <= maxPoints) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  get points(): LossPoint[] {
    return [...this.#kept];
  }
}
