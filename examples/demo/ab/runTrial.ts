import { setTimeout } from 'node:timers/promises';
import { grouped, points, signed } from '../../../gpu-runner/runner/figures.ts';
import type { ExperimentReport } from '../../../shared/experiment-report.ts';
import type { Progress } from '../progress.ts';
import type { ExperimentClient } from './experimentClient.ts';
import { LateOutcomes } from './lateOutcomes.ts';
import type { Visitors } from './visitors.ts';

export interface TrialOptions {
  readonly experiment: string;
  readonly control: Pick<ExperimentClient, 'tell' | 'evaluate' | 'report'>;
  readonly visitors: Pick<Visitors, 'send' | 'served' | 'requests'>;
  /** Visitors between two looks. */
  readonly perLook: number;
  readonly mostLooks: number;
  readonly seed: number;
  /** Between two questions whether all exposures have been counted. */
  readonly pollMs: number;
  readonly progress: Pick<Progress, 'note'>;
}

/** How the experiment stood when it was looked at. */
export interface Look {
  /** Units of all arms together. */
  readonly units: number;
  readonly state: ExperimentReport['state'];
  readonly tasks: ExperimentReport['tasks'];
}

export interface Trial {
  readonly report: ExperimentReport;
  readonly looks: readonly Look[];
}

/** Exposures wait a second at the edge and two in the queue; the rest is for a machine that is busy with other things. */
const countedWithinMs = 60_000;

/**
 * Sends visitors and what their images truly show, and has the experiment judged again and again, until it is over. Every
 * look waits for the exposures before it, so that the same seeds give the same looks on every machine (but for latencies).
 *
 * @throws {Error} when it is still running after `mostLooks`
 */
export async function runTrial(options: TrialOptions): Promise<Trial> {
  const { experiment, control, visitors, perLook, mostLooks, progress } = options;
  const outcomes = new LateOutcomes(options.seed);
  const looks: Look[] = [];
  for (let look = 1; look <= mostLooks; look += 1) {
    await control.tell(outcomes.next(await visitors.send(perLook)));
    if (look === mostLooks) await control.tell(outcomes.rest());
    await waitUntilCounted(options);
    const { reason, experiment: after } = await control.evaluate(experiment);
    const report = await control.report(experiment);
    const units = unitsOf(report);
    looks.push({ units, state: after.state, tasks: report.tasks });
    progress.note(`${grouped(units)} units: ${report.tasks.map(standing).join('; ')}`);
    if (after.state !== 'running') {
      progress.note(`${after.state}: ${reason}`);
      await control.tell(outcomes.rest());
      return { report, looks };
    }
  }
  const { verdict } = await control.report(experiment);
  throw new Error(`Cannot end experiment "${experiment}" after ${visitors.served} visitors: ${verdict}`);
}

/** Waits until every visitor's exposures have come through the queue. */
async function waitUntilCounted({ experiment, control, visitors, pollMs }: TrialOptions): Promise<void> {
  const deadline = performance.now() + countedWithinMs;
  for (;;) {
    const { requests } = await control.report(experiment);
    const counted = requests
      .filter(({ reason }) => reason !== 'no-unit')
      .reduce((sum, row) => sum + row.requests, 0);
    if (counted >= visitors.requests) return;
    if (performance.now() > deadline)
      throw new Error(
        `Cannot judge "${experiment}": ${counted} of ${visitors.requests} requests were counted`,
      );
    await setTimeout(pollMs);
  }
}

const unitsOf = ({ units }: ExperimentReport): number =>
  Object.values(units).reduce((sum, count) => sum + count, 0);

const standing = ({ task, difference, interval, verdict }: Look['tasks'][number]): string => {
  if (difference === null || interval.low === null || interval.high === null) return `${task} unknown`;
  const ends = `[${signed(100 * interval.low)}, ${signed(100 * interval.high)}]`;
  return `${task} ${points(difference)} ${ends} ${verdict}`;
};

/** @throws {Error} unless the experiment ended like this, for this arm */
export function expectEnd(
  { report: { experiment, state, decision, verdict } }: Trial,
  end: Look['state'],
  arm: string,
): void {
  if (state !== end || decision?.arm !== arm)
    throw new Error(`Experiment "${experiment}" came out wrong, not ${end} for "${arm}": ${verdict}`);
}
