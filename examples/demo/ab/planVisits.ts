import { plannedVariance, unitsNeeded } from '../../../shared/statistics/power.ts';

export interface VisitQuestion {
  readonly task: string;
  /** Of the separate network, 0 to 1, as known beforehand. */
  readonly accuracy: number;
  readonly margin: number;
  /** The loss of accuracy that the merged network is planned to have at most and still be found non-inferior. */
  readonly plannedLoss: number;
}

export interface VisitPlan {
  /** Images of each task that one unit sends. */
  readonly images: number;
  readonly tasks: readonly (VisitQuestion & { readonly unitsNeeded: number })[];
}

export interface VisitPlanOptions {
  readonly units: number;
  /** Of one comparison: already shared among tasks. */
  readonly alpha: number;
  readonly power: number;
  readonly mostImages: number;
}

/**
 * The fewest images a unit with which `units` units, half in each arm, suffice for every task. Images of one unit are
 * drawn independently, so the variance of a unit's accuracy is that of one image divided by their number.
 *
 * @throws {RangeError} when not even `mostImages` suffice: the margin is too small for so few units
 */
export function planVisits(
  questions: readonly VisitQuestion[],
  { units, alpha, power, mostImages }: VisitPlanOptions,
): VisitPlan {
  for (let images = 1; images <= mostImages; images += 1) {
    const tasks = questions.map((question) => {
      const variance = plannedVariance(question.accuracy, 0.5, 0.5) / images;
      const distance = question.margin - question.plannedLoss;
      return {
        ...question,
        unitsNeeded: unitsNeeded(variance, distance, { alpha, plannedUnits: units, power }),
      };
    });
    if (tasks.every((task) => task.unitsNeeded <= units)) return { images, tasks };
  }
  throw new RangeError(
    `Cannot plan with ${units} units of at most ${mostImages} images a task: ` +
      questions.map(({ task, margin }) => `margin ${margin} on ${task}`).join(', ') +
      ` would need more`,
  );
}
