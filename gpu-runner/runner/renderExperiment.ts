import type { ExperimentReport } from '../../shared/experiment-report.ts';
import { grouped, mega, ms, percent, points, signed } from './figures.ts';
import { textTable } from './textTable.ts';

/** A report for people: a table for each arm against the default arm, then what to distrust and the verdict. */
export function renderExperiment(report: ExperimentReport): string {
  const { experiment, endpoint, state, defaultArm, verdict } = report;
  const arms = Object.keys(report.units).filter((arm) => arm !== defaultArm);
  return [
    `Experiment "${experiment}" on endpoint "${endpoint}": ${state}`,
    ...arms.flatMap((arm) => ['', ...armTable(report, arm)]),
    '',
    ...guardrailLines(report),
    ...warnings(report),
    `Verdict: ${verdict}`,
  ].join('\n');
}

function armTable(report: ExperimentReport, arm: string): string[] {
  const { defaultArm, units, sizes, saved } = report;
  const rows = [['', defaultArm, arm, 'difference and always-valid interval', 'judged by']];
  const pValue = report.phases.at(-1)?.pValue;
  const srm = pValue === undefined ? '' : `SRM p = ${pValue.toPrecision(2)}`;
  rows.push(['units', grouped(units[defaultArm] ?? 0), grouped(units[arm] ?? 0), '', srm]);
  for (const row of report.tasks.filter((one) => one.arm === arm)) {
    rows.push([
      `accuracy "${row.task}"`,
      known(row.baseline.value, percent),
      known(row.candidate.value, percent),
      `${known(row.difference, points)} ${range(row.interval, (end) => signed(100 * end))}`,
      `margin ${(100 * row.margin).toFixed(2)}: ${row.verdict}`,
    ]);
  }
  for (const [cost, label] of Object.entries(latencies)) {
    const row = report.costs.find((one) => one.arm === arm && one.cost === cost);
    if (!row) continue;
    rows.push([
      label,
      known(row.baseline.value, ms),
      known(row.candidate.value, ms),
      `${known(row.change, ratio)} ${range(row.interval, factor)}`,
      '',
    ]);
  }
  const [own, standard] = [sizes[arm], sizes[defaultArm]];
  const less = saved.find((one) => one.arm === arm);
  if (own && standard && less) {
    const sized = (label: string, of: 'bytes' | 'macs', unit: string): string[] => [
      label,
      mega(standard[of], unit),
      mega(own[of], unit),
      known(less[of], savedShare),
      '',
    ];
    rows.push(sized('bytes, all tasks', 'bytes', 'MB'), sized('multiply-adds, all tasks', 'macs', 'M'));
  }
  return textTable(rows);
}

/** Costs that are shown, where the Worker's clock could measure them. */
const latencies = { latencyMs: 'latency of a request, mean', computeMs: 'of it trunk and heads' };

function guardrailLines({ guardrails }: ExperimentReport): string[] {
  return guardrails
    .filter(({ breached }) => breached)
    .map(({ arm, guardrail, atLeast, limit }) => {
      const what = guardrail.kind === 'accuracy' ? `accuracy of "${guardrail.task}"` : guardrail.kind;
      return `Guardrail breached by "${arm}": ${what}, at least ${known(atLeast, percent)} worse, ${percent(limit)} is allowed`;
    });
}

/** Reasons to distrust the numbers. */
function warnings({ phases, multipleExposure, missingOutcomes }: ExperimentReport): string[] {
  const lost = Object.entries(missingOutcomes).filter(([, { alarm }]) => alarm);
  return [
    ...phases
      .filter(({ alarm }) => alarm)
      .map(
        ({ phase, pValue }) =>
          `Sample-ratio mismatch in phase ${phase}: p = ${pValue.toPrecision(2)}, units got lost on the way`,
      ),
    ...(multipleExposure.alarm ? [`${grouped(multipleExposure.units)} units met more than one arm`] : []),
    ...lost.map(([task]) => `Outcomes of "${task}" get lost in one arm more than in another`),
  ];
}

const known = (value: number | null, show: (value: number) => string): string =>
  value === null ? 'unknown' : show(value);

/** An end that is still infinite is open. */
const range = (
  { low, high }: { low: number | null; high: number | null },
  show: (end: number) => string,
): string => `[${low === null ? '-inf' : show(low)}, ${high === null ? 'inf' : show(high)}]`;

const factor = (change: number): string => (1 + change).toFixed(3);
const ratio = (change: number): string => `x ${factor(change)}`;
const savedShare = (share: number): string =>
  share >= 0 ? `${percent(share)} saved` : `${percent(-share)} more`;
