import type { Progress } from '../../../../../shared/jobs.ts';
import { formatExact, formatPercent } from '../../ui/format.ts';

/** What a stage of the work is called. */
const stages: Readonly<Record<string, string>> = {
  download: 'fetching files',
  read: 'reading networks and data',
  evaluate: 'judging accuracy',
  inspect: 'reading',
  plan: 'measuring what sharing costs',
  zip: 'beginning',
  measure: 'measuring',
  share: 'sharing channels',
  retrain: 'retraining',
  planned: 'the plan',
  validate: 'validating',
  floor: 'back to the floor',
  export: 'exporting',
  judged: 'the merged network',
  time: 'timing',
  upload: 'storing the bundle',
};

export const stageWords = (stage: string): string => stages[stage] ?? stage;

/** "41 steps/s", "0.42 steps/s": large networks take seconds a step. */
export const paceWords = (stepsPerSecond: number): string =>
  `${stepsPerSecond < 10 ? stepsPerSecond.toPrecision(2) : stepsPerSecond.toFixed(0)} steps/s`;

/** How far it is, in one line: "conv2 (2 of 4): retraining 40 of 100". */
export function progressWords({
  stage,
  layer,
  layerIndex,
  layers,
  step,
  steps,
  message,
  accuracy,
}: Omit<Progress, 'at'>): string {
  const place =
    layer === undefined
      ? ''
      : layerIndex === undefined || layers === undefined
        ? `${layer}: `
        : `${layer} (${layerIndex + 1} of ${layers}): `;
  const counted =
    step === undefined || steps === undefined ? '' : ` ${formatExact(step)} of ${formatExact(steps)}`;
  const reached =
    accuracy === undefined
      ? ''
      : `, ${Object.entries(accuracy)
          .map(([task, share]) => `${task} ${formatPercent(share)}`)
          .join(', ')}`;
  return `${place}${stageWords(stage)}${counted}${message === undefined ? '' : `: ${message}`}${reached}`;
}
