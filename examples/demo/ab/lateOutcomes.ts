import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Outcome } from '../../../shared/experiment-api.ts';

/** Of the outcomes, 0 to 1: they become known some rounds later. */
const lateShare = 0.2;
const mostRoundsLate = 3;

/** When truths become known: most at once, some rounds later, none in the order of the requests. */
export class LateOutcomes {
  private readonly random: Random;
  private waiting: { readonly outcome: Outcome; readonly due: number }[] = [];
  private round = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Takes this round's outcomes. @returns those that are known now, shuffled */
  next(outcomes: readonly Outcome[]): Outcome[] {
    this.round += 1;
    for (const outcome of outcomes) {
      const late = this.random.uniform() < lateShare ? 1 + this.random.integer(mostRoundsLate) : 0;
      this.waiting.push({ outcome, due: this.round + late });
    }
    return this.take(({ due }) => due <= this.round);
  }

  /** All that are still to come, shuffled. */
  rest(): Outcome[] {
    return this.take(() => true);
  }

  private take(isDue: (one: { readonly due: number }) => boolean): Outcome[] {
    const due = this.waiting.filter(isDue);
    this.waiting = this.waiting.filter((one) => !isDue(one));
    return Array.from(this.random.permutation(due.length)).flatMap((place) => due[place]?.outcome ?? []);
  }
}
