import { GrowthBook } from '@growthbook/growthbook';
import { expect, test } from 'vitest';
import { assign, slotOf, slotRanges } from '../../shared/bucketing.ts';
import { publishedExperiment } from '../../shared/experiment.ts';
import { experimentOf } from './experiments.ts';

/** The arm that GrowthBook's own client gives a unit, or null when the unit does not take part. */
function oracle(
  unit: string,
  coverage: number,
  weights: readonly number[],
  layer: readonly [number, number],
) {
  const client = new GrowthBook({ attributes: { id: unit } });
  const { inExperiment, variationId } = client.run({
    key: 'merged-or-not',
    seed: 'merged-or-not/3/',
    hashVersion: 2,
    variations: weights.map((_, i) => i) as [number, number, ...number[]],
    weights: weights.map((weight) => weight / 10_000),
    coverage,
    filters: [
      {
        seed: 'layer/ui/',
        ranges: [[layer[0] / 10_000, layer[1] / 10_000]],
        hashVersion: 2,
        attribute: 'id',
      },
    ],
  });
  client.destroy();
  return inExperiment ? variationId : null;
}

test('assign() agrees with @growthbook/growthbook on arms, coverage and layers', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  let compared = 0;
  for (const [weights, coverage, layer] of [
    [[5000, 5000], 1, [0, 10_000]],
    [[5000, 5000], 0.1, [0, 10_000]],
    [[9000, 500, 500], 0.5, [2500, 7500]],
    [[3334, 3333, 3333], 0.25, [0, 6000]],
  ] as const) {
    const { experiment, unit, defaultArm, shadow } = experimentOf();
    const published = publishedExperiment.parse({
      experiment,
      unit,
      defaultArm,
      shadow,
      revision: 3,
      layer: { name: 'ui', start: layer[0], end: layer[1] },
      coverage,
      arms: weights.map((weight, i) => ({
        ...merged,
        name: ['separate', 'merged', 'small'][i] ?? '',
        weight,
      })),
    });
    // GrowthBook compares fractions and we whole slots: at a range's very edge they may round differently.
    const edges = new Set(
      slotRanges(weights, coverage).flatMap(({ start, end }) => [start - 1, start, end - 1, end]),
    );
    for (let i = 0; i < 2000; i++) {
      const unitId = `unit-${i}@example.org`;
      if (edges.has(slotOf('merged-or-not/3/', unitId))) continue;
      const { arm, reason } = assign(published, unitId);
      const ours = reason === 'assigned' ? published.arms.indexOf(arm) : null;
      expect(ours).toBe(oracle(unitId, coverage, weights, layer));
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(7900);
});
