import { alpha, guardrails, half, margins, units } from './conditions.ts';
import type { Shop } from './openShop.ts';
import type { AbReport } from './report.ts';
import { expectEnd, runTrial, type TrialOptions } from './runTrial.ts';
import { unitHeader } from './visitors.ts';

const experiment = 'merged-or-separate';
/** No winner before both arms have this many: all visitors are wanted in the table, and the split is random. */
const unitsPerArm = 0.48 * units;
const looks = 20;

/** The merged bundle against the separate ones, half the visitors each, until its rule decides. */
export async function compareMerged(
  shop: Shop,
  { progress, visitors }: Pick<TrialOptions, 'progress' | 'visitors'>,
): Promise<AbReport['merged']> {
  const { endpoint, control, arms } = shop;
  const before = await control.endpoint(endpoint);
  await control.start(experiment, {
    endpoint,
    unit: { from: 'header', name: unitHeader },
    arms: [
      { name: 'separate', weight: half, tasks: arms.separate },
      { name: 'merged', weight: half, tasks: arms.merged },
    ],
    defaultArm: 'separate',
    ...{ margins, alpha, guardrails, plannedUnits: units },
    ramp: { steps: [1], minUnits: unitsPerArm },
  });
  await shop.waitForExperiment(experiment);
  const trial = await runTrial({
    ...{ experiment, control, visitors, progress, seed: 2, pollMs: 500 },
    ...{ perLook: units / looks, mostLooks: looks },
  });
  expectEnd(trial, 'decided', 'merged');
  await shop.waitForExperiment(null);
  const after = await control.endpoint(endpoint);
  if (Object.entries(arms.merged).some(([task, id]) => after.tasks[task] !== id))
    throw new Error(`Cannot go on: endpoint "${endpoint}" does not serve the merged bundle`);
  progress.note(
    `endpoint "${endpoint}" serves the merged bundle: revision ${before.revision} became ${after.revision}`,
  );
  return { ...trial, endpoint: after };
}
