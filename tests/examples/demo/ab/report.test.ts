import { expect, it } from 'vitest';
import { renderAb, type AbReport } from '../../../../examples/demo/ab/report.ts';
import { exampleReport } from '../../../gpu-runner/runner/exampleReport.ts';

const at = '2026-01-02T03:04:05.000Z';
const report = exampleReport();
const undecided = report.tasks.map((task) => ({ ...task, verdict: 'undecided' as const }));
const example: AbReport = {
  plan: { images: 4, units: 5000, alpha: 0.05, power: 0.9, tasks: [] },
  merged: {
    report,
    looks: [
      { units: 250, state: 'running', tasks: undecided },
      { units: 1500, state: 'running', tasks: report.tasks },
    ],
    endpoint: { ...{ name: 'shop', revision: 2, tasks: {}, createdAt: at, createdBy: 'x' }, publishedAt: at },
  },
  damaged: {
    report: exampleReport({ state: 'rolled-back', verdict: 'Rolled back to merged by the rule: Guardrail.' }),
    looks: [],
    unitsAtRollBack: { merged: 60, damaged: 54 },
    visitors: 1200,
    visitorsOfDamaged: 61,
  },
  seconds: 100,
};

it('renderAb() gives the table, how soon it was clear and how soon the damage was stopped', () => {
  const text = renderAb(example);
  expect(text).toContain('Experiment "zip" on endpoint "shop": decided');
  expect(text).toContain(
    'Looked at 2 times; non-inferior first seen: "digit" at 1,500 units, "fashion" never.',
  );
  expect(text).toContain('Endpoint "shop" answers every task from the merged bundle since its revision 2.');
  expect(text).toContain(
    'Damaged bundle: rolled-back after 114 units, 54 of them its own; 61 of 1,200 visitors met it.\n' +
      'Rolled back to merged by the rule: Guardrail.',
  );
});
