import type { RetrainingReport } from '../../shared/report.ts';
import type { Zipped } from '../mtz/zip.ts';
import { percent } from './figures.ts';

type Curve = RetrainingReport['validation'];

/** More points than a drawing has pixels are no help, and a report holds only so many. */
const mostLooks = 2000;

/** Accuracies after every layer's retraining, and those that early stopping saw in the midst of it. */
export function validationCurve({ accuracies, looks }: Pick<Zipped, 'accuracies' | 'looks'>): Curve {
  const after: Curve = accuracies.map(({ layer, retrainingSteps, accuracy }) => ({
    step: retrainingSteps,
    stage: layer,
    accuracy: { ...accuracy },
  }));
  // At the same step, what counts is the network that went on, which may be an earlier one.
  const known = new Set(after.map(({ step, stage }) => `${step} ${stage ?? ''}`));
  const within = looks
    .filter(({ metric }) => metric === 'accuracy')
    .map(({ layer, step, scores }) => ({ step, stage: layer, accuracy: { ...scores } }))
    .filter(({ step, stage }) => !known.has(`${step} ${stage}`));
  // Where a layer ends, the next begins: its first look comes second.
  return [...after, ...thinned(within)].sort((a, b) => a.step - b.step);
}

/** Losses on validation samples, where early stopping goes by them. */
export function validationLosses({
  looks,
}: Pick<Zipped, 'looks'>): Pick<RetrainingReport, 'validationLosses'> {
  const losses = looks
    .filter(({ metric }) => metric === 'loss')
    .map(({ layer, step, scores }) => ({ step, stage: layer, losses: { ...scores } }));
  return losses.length > 0 ? { validationLosses: thinned(losses) } : {};
}

/** What a layer's retraining did not take, since it got no better. */
export const earlyStopEvents = ({ earlyStops }: Pick<Zipped, 'earlyStops'>): RetrainingReport['events'] =>
  earlyStops.map(({ layer, retrainingSteps, taken, planned, kept, metric, score }) => ({
    step: retrainingSteps,
    kind: 'early-stop',
    message: `Retraining after ${layer} stopped at step ${taken} of ${planned}: no better since step ${kept}, whose network is kept (mean ${metric} ${metric === 'accuracy' ? percent(score) : score.toPrecision(3)} on validation samples)`,
  }));

/** Every so manyth of them. */
function thinned<T>(points: readonly T[]): T[] {
  const every = Math.ceil(points.length / mostLooks);
  return points.filter((_, index) => index % Math.max(1, every) === 0);
}
