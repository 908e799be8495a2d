import { GrowthBook } from '@growthbook/growthbook';
import { expect, test } from 'vitest';
import { routedExperiment, type RoutedExperiment } from '../../shared/routing.ts';
import { placeRequest } from '../../workers/edge/assignment.ts';

// GrowthBook's own client as the oracle: told the same experiment in its words, it puts every unit where the edge does.

const units = Array.from({ length: 5_000 }, (_, i) => `user-${(i * 7919).toString(36)}@example.com`);
const digest = 'a'.repeat(64);

const experimentOf = (weights: number[], change: Partial<RoutedExperiment> = {}): RoutedExperiment =>
  routedExperiment.parse({
    experiment: 'merged-or-not',
    revision: 1,
    phase: 1,
    unit: { from: 'header', name: 'x-unit' },
    layer: null,
    coverage: 1,
    arms: weights.map((weight, i) => ({ name: `arm-${i}`, weight, tasks: { digit: digest } })),
    defaultArm: 'arm-0',
    shadow: null,
    ...change,
  } satisfies RoutedExperiment);

/** The arm GrowthBook gives the unit; null when it is not in the experiment. */
function oracle(
  { experiment, revision, arms, coverage, layer }: RoutedExperiment,
  unit: string,
): string | null {
  const result = new GrowthBook({ attributes: { id: unit } }).run({
    key: experiment,
    hashVersion: 2,
    seed: `${experiment}/${revision}/`,
    variations: arms.map((arm) => arm.name) as [string, string, ...string[]],
    weights: arms.map((arm) => arm.weight / 10_000),
    coverage,
    ...(layer && {
      filters: [
        {
          attribute: 'id',
          seed: `layer/${layer.name}/`,
          hashVersion: 2,
          ranges: [[layer.start / 10_000, layer.end / 10_000] as [number, number]],
        },
      ],
    }),
  });
  return result.inExperiment ? result.value : null;
}

const cases: [string, RoutedExperiment][] = [
  ['two equal arms', experimentOf([5000, 5000])],
  ['another revision', experimentOf([5000, 5000], { revision: 7 })],
  ['a ramp at one percent', experimentOf([5000, 5000], { coverage: 0.01 })],
  ['a ramp at a quarter', experimentOf([8000, 2000], { coverage: 0.25 })],
  ['four uneven arms', experimentOf([2500, 1250, 6250, 0])],
  ['a layer', experimentOf([5000, 5000], { layer: { name: 'nets', start: 2500, end: 7500 } })],
  [
    'a layer and a ramp',
    experimentOf([7500, 2500], { coverage: 0.5, layer: { name: 'b', start: 0, end: 5000 } }),
  ],
];

test.each(cases)('placeRequest() agrees with GrowthBook on every unit of %s', (_, experiment) => {
  const seen = new Map<string, number>();
  for (const unit of units) {
    const request = new Request('https://edge.example/', { headers: { 'x-unit': unit } });
    const placement = placeRequest([experiment], request);
    const arm = placement?.reason === 'assigned' ? placement.arm.name : 'none';
    expect(arm, unit).toBe(oracle(experiment, unit) ?? 'none');
    seen.set(arm, (seen.get(arm) ?? 0) + 1);
  }
  const { arms, coverage, layer } = experiment;
  expect(seen.size).toBe(arms.filter(({ weight }) => weight > 0).length + (coverage < 1 || layer ? 1 : 0));
});
