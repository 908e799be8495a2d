import { experimentReport, type ExperimentReport } from '../../../shared/experiment-report.ts';

const at = '2026-01-02T03:04:05.000Z';

/** A decided experiment of two arms, as the control Worker reports it. */
export function exampleReport(change: Partial<ExperimentReport> = {}): ExperimentReport {
  const estimate = (value: number | null) => ({ value, units: 2500 });
  return experimentReport.parse({
    ...{ experiment: 'zip', endpoint: 'shop', state: 'decided', version: 3, revision: 1, coverage: 1, at },
    verdict: 'Decided for merged by the rule: Arm merged is not inferior to separate.',
    action: { kind: 'hold', reason: 'The experiment is decided.' },
    decision: { arm: 'merged', reason: 'Arm merged is not inferior to separate.', by: 'rule', at },
    defaultArm: 'separate',
    units: { separate: 2512, merged: 2488 },
    tasks: [
      {
        ...{ task: 'digit', arm: 'merged', baseline: estimate(0.9931), candidate: estimate(0.992) },
        ...{ difference: -0.0011, interval: { low: -0.0042, high: 0.002 } },
        ...{ bounds: { low: -0.004, high: 0.0018 }, margin: 0.01, verdict: 'non-inferior' },
        unitsStillNeeded: 0,
      },
      {
        ...{ task: 'fashion', arm: 'merged', baseline: estimate(null), candidate: estimate(null) },
        ...{ difference: null, interval: { low: null, high: null } },
        ...{ bounds: { low: null, high: null }, margin: 0.03, verdict: 'undecided', unitsStillNeeded: null },
      },
    ],
    costs: [
      {
        ...{ arm: 'merged', cost: 'latencyMs', baseline: estimate(4), candidate: estimate(3) },
        ...{ change: -0.25, interval: { low: -0.3, high: -0.2 } },
      },
    ],
    latency: [],
    guardrails: [
      {
        ...{ arm: 'merged', guardrail: { kind: 'accuracy', task: 'digit', maxDrop: 0.05 } },
        ...{ atLeast: 0.01, limit: 0.05, breached: false },
      },
    ],
    phases: [
      {
        ...{ phase: 1, coverage: 1, startedAt: at, endedAt: at, units: { separate: 2512, merged: 2488 } },
        ...{ pValue: 0.734, alarm: false },
      },
    ],
    multipleExposure: { units: 0, share: 0, alarm: false },
    missingOutcomes: { digit: { pValue: 1, alarm: false } },
    requests: [],
    shadows: [],
    sizes: {
      separate: { bundles: 2, bytes: 2_000_000, parameters: 500_000, macs: 3_000_000 },
      merged: { bundles: 1, bytes: 1_100_000, parameters: 270_000, macs: 1_500_000 },
    },
    saved: [
      {
        ...{ arm: 'merged', bytes: 0.45, macs: 0.5, parameters: 0.46 },
        ...{ measuredLatency: 0.25, measuredHeap: null, measuredBytesLoaded: null },
      },
    ],
    curve: [],
    ...change,
  } satisfies ExperimentReport);
}
