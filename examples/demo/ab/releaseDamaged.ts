import { alpha, guardrails, half, margins } from './conditions.ts';
import type { Shop } from './openShop.ts';
import type { AbReport } from './report.ts';
import { expectEnd, runTrial, type TrialOptions } from './runTrial.ts';
import { unitHeader, type Visitors } from './visitors.ts';

const experiment = 'damaged-release';

/** A damaged bundle against the merged one that is served, at a fifth of full coverage first, until a guardrail stops it. */
export async function releaseDamaged(
  shop: Shop,
  { progress, visitors }: Pick<TrialOptions, 'progress'> & { readonly visitors: Visitors },
): Promise<AbReport['damaged']> {
  const { endpoint, control, arms } = shop;
  await control.start(experiment, {
    endpoint,
    unit: { from: 'header', name: unitHeader },
    arms: [
      { name: 'merged', weight: half, tasks: arms.merged },
      { name: 'damaged', weight: half, tasks: arms.damaged },
    ],
    defaultArm: 'merged',
    ...{ margins, alpha, guardrails },
    // A release that does harm does much: the bounds are to be tightest early.
    plannedUnits: 500,
    ramp: { steps: [0.2, 0.5, 1], minUnits: 100 },
  });
  await shop.waitForExperiment(experiment);
  const trial = await runTrial({
    ...{ experiment, control, visitors, progress, seed: 4, pollMs: 500 },
    ...{ perLook: 100, mostLooks: 40 },
  });
  expectEnd(trial, 'rolled-back', 'merged');
  await shop.waitForExperiment(null);
  return {
    ...trial,
    unitsAtRollBack: trial.report.curve.at(-1)?.units ?? {},
    visitors: visitors.served,
    visitorsOfDamaged: visitors.servedBy.get('damaged') ?? 0,
  };
}
