import type { RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import type { Line } from '../report.ts';

/** A part of the table. Lines come as they are measured. */
export interface Row {
  readonly title: string;
  /** Networks, sizes and steps, as the report states them. */
  readonly setting: string;
  lines(context: Context): AsyncGenerator<Line>;
  /** What the lines are to be compared with: trained jointly from scratch, averaged, a prefix only. */
  controls(context: Context): AsyncGenerator<Line>;
}

/** A fiftieth of the steps for a quick look. */
export const scaled = ({ quick }: Context, steps: number): number => (quick ? Math.ceil(steps / 50) : steps);

/** Held-out samples of a quick look; all of them otherwise. */
export const held = ({ quick }: Context): { held?: number } => (quick ? { held: 500 } : {});

export const batchSize = 64;

/** Nothing is retrained. */
export const untrained: RecipeInput['retraining'] = {
  ...{ stepsPerLayer: 0, finalSteps: 0, batchSize, learningRate: 1 },
};

type HowRetrained = Omit<RecipeInput['retraining'], 'stepsPerLayer' | 'finalSteps' | 'batchSize'>;

/**
 * How a merged network is retrained, in so many steps in all: a share of them after each layer, the others at the end.
 *
 * @param layers that are zipped
 */
export function retrainedIn(steps: number, layers: number, others: HowRetrained): RecipeInput['retraining'] {
  const stepsPerLayer = Math.floor((steps * layerShare) / layers);
  return { ...others, batchSize, stepsPerLayer, finalSteps: steps - stepsPerLayer * layers };
}

/** Of the steps, those that are taken after the layers: the rest is worth more when all layers are shared. */
const layerShare = 0.4;

/** All steps at the end: for networks of so many layers that few steps would be left for each. */
export const retrainedAtEnd = (steps: number, others: HowRetrained): RecipeInput['retraining'] => ({
  ...others,
  ...{ batchSize, stepsPerLayer: 0, finalSteps: steps },
});

/** So many steps that training one source takes at least 17.8 times as many, the paper's figure. */
export const fewer = (context: Context, trainingSteps: number): number =>
  Math.floor(scaled(context, trainingSteps) / 17.8);
