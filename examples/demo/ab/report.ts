import { grouped, percent } from '../../../gpu-runner/runner/figures.ts';
import { renderExperiment } from '../../../gpu-runner/runner/renderExperiment.ts';
import type { EndpointView } from '../../../shared/api.ts';
import type { VisitPlan } from './planVisits.ts';
import type { Look, Trial } from './runTrial.ts';

/** What `--ab` measured. Shares, accuracies and margins from 0 to 1. */
export interface AbReport {
  readonly plan: VisitPlan & { readonly units: number; readonly alpha: number; readonly power: number };
  /** Merged against separate, and what the endpoint served after it. */
  readonly merged: Trial & { readonly endpoint: EndpointView };
  /** A damaged bundle against the merged one. */
  readonly damaged: Trial & {
    /** By arm, when the rule rolled it back. */
    readonly unitsAtRollBack: Readonly<Record<string, number>>;
    /** Sent until then, covered by the ramp or not; of them those that the damaged bundle answered. */
    readonly visitors: number;
    readonly visitorsOfDamaged: number;
  };
  readonly seconds: number;
}

/** The experiment's table, how soon it was clear, and a line about the damaged run. */
export function renderAb({ plan, merged, damaged }: AbReport): string {
  const { report, looks, endpoint } = merged;
  const clear = report.tasks.map(({ task }) => {
    const units = looks.find((look) => isClear(look, task))?.units;
    return `"${task}" ${units === undefined ? 'never' : `at ${grouped(units)} units`}`;
  });
  const { unitsAtRollBack: counts } = damaged;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [
    renderExperiment(report),
    `Looked at ${looks.length} times; non-inferior first seen: ${clear.join(', ')}. ` +
      `Planned: ${plan.images} images of each task a unit, power ${percent(plan.power)}, alpha ${plan.alpha}.`,
    `Endpoint "${endpoint.name}" answers every task from the merged bundle since its revision ${endpoint.revision}.`,
    '',
    `Damaged bundle: ${damaged.report.state} after ${grouped(total)} units, ${grouped(counts.damaged ?? 0)} of them its own; ` +
      `${grouped(damaged.visitorsOfDamaged)} of ${grouped(damaged.visitors)} visitors met it.`,
    damaged.report.verdict,
  ].join('\n');
}

const isClear = ({ tasks }: Look, task: string): boolean =>
  tasks.some((one) => one.task === task && one.verdict === 'non-inferior');
