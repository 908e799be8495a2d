import type { Report } from '../../shared/report.ts';
import type { ZipProgress } from '../mtz/zip.ts';
import { percent } from './figures.ts';
import type { Judgement } from './judge.ts';
import type { MergeProgress, MergeSource } from './mergeOptions.ts';

/** What is known of the networks before they are merged. */
export const separately = (judged: ReadonlyMap<string, Judgement>): MergeProgress => ({
  stage: 'evaluate',
  message: 'the separate networks on held-out samples',
  accuracy: Object.fromEntries(Array.from(judged, ([task, one]) => [task, one.accuracy])),
});

/** What became of the tasks, as the bundle stores them: right answers, or those that stayed where no labels say what is right. */
export function judgedAs({ tasks }: Report): MergeProgress {
  const accuracy = tasks.flatMap((one) => (one.accuracy ? [[one.task, one.accuracy.after] as const] : []));
  const stayed = tasks.flatMap(({ task, agreement }) =>
    agreement
      ? [`"${task}" answers ${percent(agreement.share)} of ${agreement.samples} samples as its own network`]
      : [],
  );
  return {
    stage: 'judged',
    ...(stayed.length > 0 && { message: stayed.join(', ') }),
    ...(accuracy.length > 0 && { accuracy: Object.fromEntries(accuracy) }),
  };
}

/** What is told of a step of zipping. */
export function toProgress(event: ZipProgress, sources: readonly MergeSource[]): MergeProgress {
  const { layer, layerIndex, hiddenLayers: layers } = event;
  const place = { layer, layerIndex, layers };
  switch (event.stage) {
    case 'measure': {
      const { task, samples, of } = event;
      const fewer = samples < of ? ` by ${samples} of ${of} samples: more would not fit into memory` : '';
      return { ...place, stage: 'measure', message: `measuring what "${task}" feeds it${fewer}` };
    }
    case 'share':
      return {
        ...place,
        stage: 'share',
        message: `${event.channels} channels shared, second-order loss ${event.cost.toPrecision(3)}`,
      };
    case 'retrain': {
      const { step, steps, stepsPerSecond, etaMs } = event;
      const losses = Object.fromEntries(sources.map(({ task }, index) => [task, event.losses[index] ?? NaN]));
      return { ...place, ...{ step, steps, losses, stepsPerSecond, etaMs }, stage: 'retrain' };
    }
    case 'validate':
      return { ...place, stage: 'validate', accuracy: { ...event.accuracy } };
    case 'floor':
      return {
        ...place,
        stage: 'floor',
        accuracy: { ...event.accuracy },
        message: `below its floor: ${event.group} shares ${event.to} channels instead of ${event.from}`,
      };
    default:
      return event satisfies never;
  }
}
