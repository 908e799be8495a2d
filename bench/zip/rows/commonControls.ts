import type { Context } from '../context.ts';
import { averageWeights, trainJointly } from '../controls.ts';
import { lineOf, type Line } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';

/** The same tasks with other sources. */
export interface Repeat {
  readonly label: string;
  readonly sources: readonly SourceSpec[];
}

export interface CommonOptions {
  /** Before what each line says. */
  readonly prefix?: string;
  /** From scratch; default: as the sources were, which is no training from scratch where they were pretrained. */
  readonly training?: TrainingSpec;
}

/** Plain averaging, and all layers but the last trained jointly from scratch, for the steps of a retraining and of a training. */
export async function* commonControls(
  context: Context,
  repeats: readonly Repeat[],
  retrainingSteps: number,
  { prefix = '', training }: CommonOptions = {},
): AsyncGenerator<Line> {
  const trainingSteps = training?.steps ?? repeats[0]?.sources[0]?.training.steps ?? 0;
  const averaged = [];
  for (const { label, sources } of repeats) averaged.push(await averageWeights(context, label, sources));
  yield lineOf(`${prefix}all but the last layers averaged as they lie`, averaged, { trainingSteps });
  for (const steps of [retrainingSteps, trainingSteps]) {
    const joint = [];
    for (const { label, sources } of repeats)
      joint.push(await trainJointly(context, label, sources, steps, training));
    const what = `${prefix}all but the last layers shared, trained jointly from scratch, ${steps} steps`;
    yield lineOf(what, joint, { trainingSteps });
  }
}
