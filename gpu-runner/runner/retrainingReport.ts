import type { Recipe } from '../../shared/recipe.ts';
import type { RetrainingReport } from '../../shared/report.ts';
import type { Zipped } from '../mtz/zip.ts';
import type { FloorEvent } from '../mtz/zipCheckpoint.ts';
import type { Judgement } from './judge.ts';
import { earlyStopEvents, validationCurve, validationLosses } from './retrainingLooks.ts';

type Judgements = ReadonlyMap<string, Judgement>;

/** How the retraining of a merge went. @param before how the separate networks did, by task */
export function retrainingReport(
  recipe: Pick<Recipe, 'floors'>,
  zipped: Zipped,
  before: Judgements,
): RetrainingReport {
  return {
    iterations: zipped.retrainingSteps,
    history: zipped.losses.map(({ layer, step, losses }) => ({ step, stage: layer, losses: { ...losses } })),
    validation: validationCurve(zipped),
    ...validationLosses(zipped),
    floors: floorsTold(recipe, before),
    events: [...zipped.floorEvents.flatMap(rollbackEvents), ...earlyStopEvents(zipped)],
  };
}

/** What a floor gave up, and what went with it. */
function rollbackEvents({
  layer,
  group,
  from,
  to,
  orphans,
  ...found
}: FloorEvent): RetrainingReport['events'] {
  const fell = Object.entries(found.floors)
    .map(
      ([task, floor]) => `${task} fell to ${percent(found.accuracy[task])}, its floor is ${percent(floor)}`,
    )
    .join(', ');
  const channels = to === 1 ? 'channel' : 'channels';
  const messages = [
    `After ${layer}: ${fell}; ${group} shares ${to} ${channels} instead of ${from}`,
    ...orphans.map(
      (orphan) =>
        `${orphan.group} shares no channel either: what it would read of the layers before is not shared any more`,
    ),
  ];
  return messages.map((message) => ({ step: found.retrainingSteps, kind: 'rollback', message }));
}

/** The accuracy that each task had to keep, as the recipe says or as so much less than its separate network's. */
export function floorsTold({ floors }: Pick<Recipe, 'floors'>, before: Judgements): Record<string, number> {
  const { maxDrop } = floors ?? {};
  const told: Record<string, number> = {};
  if (maxDrop !== undefined)
    for (const [task, { accuracy }] of before) told[task] = Math.max(0, accuracy - maxDrop);
  return { ...told, ...floors?.accuracy };
}

const percent = (share: number | undefined): string =>
  share === undefined ? 'nothing' : `${(100 * share).toFixed(2)} %`;
