export interface Schedule {
  /** The highest learning rate: reached at the end of the warm-up. */
  readonly learningRate: number;
  /** Steps over which the rate rises linearly from near 0; default 0. */
  readonly warmUpSteps?: number;
  /** What follows the warm-up: half a cosine down to `finalLearningRate`, or no change. Default 'cosine'. */
  readonly decay?: 'cosine' | 'constant';
  /** Default 0. */
  readonly finalLearningRate?: number;
}

/**
 * The learning rate of a step.
 *
 * @param step counted from 0
 * @param steps how many there are in all
 * @throws {RangeError} when a rate is negative or the warm-up longer than the training.
 */
export function learningRateAt(schedule: Schedule, step: number, steps: number): number {
  const { learningRate, warmUpSteps = 0, decay = 'cosine', finalLearningRate = 0 } = schedule;
  if (!(learningRate >= 0 && finalLearningRate >= 0)) {
    throw new RangeError(
      `Cannot train at learning rates ${learningRate} to ${finalLearningRate}: they must be at least 0`,
    );
  }
  if (!(warmUpSteps >= 0 && warmUpSteps <= steps)) {
    throw new RangeError(`Cannot warm up for ${warmUpSteps} of ${steps} steps`);
  }
  if (step < warmUpSteps) return (learningRate * (step + 1)) / warmUpSteps;
  if (decay === 'constant') return learningRate;
  const progress = (step - warmUpSteps) / Math.max(steps - warmUpSteps, 1);
  return finalLearningRate + ((learningRate - finalLearningRate) * (1 + Math.cos(Math.PI * progress))) / 2;
}
