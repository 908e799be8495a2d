import { expect, it } from 'vitest';
import { renderExperiment } from '../../../gpu-runner/runner/renderExperiment.ts';
import { exampleReport } from './exampleReport.ts';

it('renderExperiment() puts both arms, their difference and what it is judged by in one table', () => {
  const lines = renderExperiment(exampleReport())
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, ' | ').trim());
  expect(lines).toEqual([
    'Experiment "zip" on endpoint "shop": decided',
    '',
    '| separate | merged | difference and always-valid interval | judged by',
    expect.stringMatching(/^[- |]+$/),
    'units | 2,512 | 2,488 | SRM p = 0.73',
    'accuracy "digit" | 99.31 % | 99.20 % | -0.11 points [-0.42, +0.20] | margin 1.00: non-inferior',
    'accuracy "fashion" | unknown | unknown | unknown [-inf, inf] | margin 3.00: undecided',
    'latency of a request, mean | 4.00 ms | 3.00 ms | x 0.750 [0.700, 0.800]',
    'bytes, all tasks | 2.00 MB | 1.10 MB | 45.00 % saved',
    'multiply-adds, all tasks | 3.00 M | 1.50 M | 50.00 % saved',
    '',
    'Verdict: Decided for merged by the rule: Arm merged is not inferior to separate.',
  ]);
});

it('renderExperiment() has a table for every arm but the default one', () => {
  const units = { separate: 10, merged: 11, other: 12 };
  const text = renderExperiment(exampleReport({ units }));
  expect(text.match(/SRM p/g)).toHaveLength(2);
  expect(text).toMatch(/^ +separate +other /m);
});

it('renderExperiment() tells what was breached and what makes the numbers doubtful', () => {
  const { phases, guardrails } = exampleReport();
  const text = renderExperiment(
    exampleReport({
      guardrails: guardrails.map((one) => ({ ...one, atLeast: 0.06, breached: true })),
      phases: phases.map((one) => ({ ...one, pValue: 0.0001, alarm: true })),
      multipleExposure: { units: 1234, share: 0.2, alarm: true },
      missingOutcomes: { digit: { pValue: 0.0001, alarm: true } },
    }),
  );
  expect(text).toContain(
    'Guardrail breached by "merged": accuracy of "digit", at least 6.00 % worse, 5.00 % is allowed',
  );
  expect(text).toContain('Sample-ratio mismatch in phase 1: p = 0.00010');
  expect(text).toContain('1,234 units met more than one arm');
  expect(text).toContain('Outcomes of "digit" get lost in one arm more than in another');
});

it('renderExperiment() says more where nothing is saved', () => {
  const saved = exampleReport().saved.map((one) => ({ ...one, bytes: -0.1 }));
  expect(renderExperiment(exampleReport({ saved }))).toContain('10.00 % more');
});
