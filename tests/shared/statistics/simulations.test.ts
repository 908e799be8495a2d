import { expect, test } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { slotOf } from '../../../shared/bucketing.ts';
import { interval } from '../../../shared/statistics/confidenceSequence.ts';
import { difference, fewestUnits, lift } from '../../../shared/statistics/contrast.ts';
import { nonInferiority } from '../../../shared/statistics/nonInferiority.ts';
import { plannedVariance, unitsNeeded } from '../../../shared/statistics/power.ts';
import { fractionOf, ratioOf } from '../../../shared/statistics/ratio.ts';
import { sampleRatio } from '../../../shared/statistics/sampleRatio.ts';
import { Growing } from './simulate.ts';

/*
 * What the formulas promise, counted. Seeds are fixed, so a run never changes; each limit is set where a rate exactly as
 * bad as promised would pass it with a chance below 1e-4 (four standard deviations of a binomial count).
 */

const alpha = 0.05;
const planned = 5000;
const above = (rate: number, runs: number): number => rate * runs + 4 * Math.sqrt(rate * (1 - rate) * runs);

/** Runs two arms that are right with these chances, looks every few units, and counts what ever happened in a run. */
function peek(baseline: number, candidate: number, margin: number, runs: number, unitsPerArm: number) {
  const counts = { missed: 0, nonInferior: 0, inferior: 0 };
  for (let run = 0; run < runs; run++) {
    const random = new Random(1000 * baseline, run);
    const [a, b] = [new Growing(), new Growing()];
    const seen = { missed: false, nonInferior: false, inferior: false };
    for (let unit = 1; unit <= unitsPerArm; unit++) {
      a.add(random.uniform() < baseline ? 1 : 0, 1);
      b.add(random.uniform() < candidate ? 1 : 0, 1);
      if (unit < fewestUnits || (unit > 200 && unit % 10 !== 0)) continue;
      const contrast = difference(fractionOf(b), fractionOf(a));
      const { low, high } = interval(contrast, alpha, planned);
      seen.missed ||= low > candidate - baseline || high < candidate - baseline;
      const { verdict } = nonInferiority(contrast, margin, alpha, planned);
      seen.nonInferior ||= verdict === 'non-inferior';
      seen.inferior ||= verdict === 'inferior';
    }
    counts.missed += Number(seen.missed);
    counts.nonInferior += Number(seen.nonInferior);
    counts.inferior += Number(seen.inferior);
  }
  return counts;
}

test('A/A under peeking: 2,000 runs looked at 300 times each are called different at most at the stated rate', () => {
  for (const rate of [0.5, 0.9, 0.99]) {
    const { missed } = peek(rate, rate, 0.02, 2000, 2000);
    expect(missed).toBeLessThanOrEqual(above(alpha, 2000));
    // Not so wide that they never miss, which would be another way to be wrong; 0 of 2,000 is all but impossible here.
    if (rate < 0.95) expect(missed).toBeGreaterThan(0);
  }
});

test('an arm exactly as bad as the margin is called non-inferior at most at the stated rate, and inferior too', () => {
  for (const [baseline, margin] of [
    [0.9, 0.05],
    [0.99, 0.02],
    [0.999, 0.02],
  ] as const) {
    const { nonInferior, inferior } = peek(baseline, baseline - margin, margin, 1000, 2000);
    expect(nonInferior).toBeLessThanOrEqual(above(alpha, 1000));
    expect(inferior).toBeLessThanOrEqual(above(alpha, 1000));
  }
});

test('an equal arm is found non-inferior within the planned units at least as often as planned', () => {
  const margin = 0.05;
  const plan = { alpha, plannedUnits: planned, power: 0.8 };
  const units = unitsNeeded(plannedVariance(0.9, 0.5, 0.5), margin, plan);
  const runs = 300;
  const { nonInferior, inferior } = peek(0.9, 0.9, margin, runs, Math.ceil(units / 2));
  expect(nonInferior).toBeGreaterThanOrEqual(runs - above(1 - plan.power, runs));
  expect(inferior).toBe(0);
});

test('requests of one unit count as one: by units the rate holds, by requests it would not', () => {
  const runs = 500;
  let [byUnits, byRequests] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const random = new Random(77, run);
    const arms = [0, 1].map(() => ({ units: new Growing(), requests: new Growing() }));
    let [missedByUnits, missedByRequests] = [false, false];
    for (let unit = 1; unit <= 800; unit++) {
      for (const arm of arms) {
        // A device is slow or fast for all of its requests.
        const requests = 1 + random.integer(19);
        const speed = Math.exp(0.7 * random.normal());
        let sum = 0;
        for (let i = 0; i < requests; i++) {
          const ms = speed * (0.9 + 0.2 * random.uniform());
          arm.requests.add(ms, 1);
          sum += ms;
        }
        arm.units.add(sum, requests);
      }
      const [a, b] = arms;
      if (unit < fewestUnits || unit % 10 !== 0 || !a || !b) continue;
      const fair = interval(lift(ratioOf(b.units), ratioOf(a.units)), alpha, planned);
      const naive = interval(lift(ratioOf(b.requests), ratioOf(a.requests)), alpha, planned);
      missedByUnits ||= fair.low > 0 || fair.high < 0;
      missedByRequests ||= naive.low > 0 || naive.high < 0;
    }
    byUnits += Number(missedByUnits);
    byRequests += Number(missedByRequests);
  }
  expect(byUnits).toBeLessThanOrEqual(above(alpha, runs));
  expect(byRequests).toBeGreaterThan(above(alpha, runs));
});

test('the sample ratio of 1,000 honest experiments, assigned by the hash, alarms at most at the stated rate', () => {
  let alarms = 0;
  for (let run = 0; run < 1000; run++) {
    const counts = [0, 0];
    for (let unit = 0; unit < 1000; unit++) {
      const arm = slotOf(`experiment-${run}/1/`, `unit-${unit}`) < 5000 ? 0 : 1;
      counts[arm] = (counts[arm] ?? 0) + 1;
    }
    if (sampleRatio(counts, [5000, 5000]).alarm) alarms += 1;
  }
  // At a rate of 1 in 1,000, six or more have a chance of 6e-4.
  expect(alarms).toBeLessThanOrEqual(5);
});

test('a planted 52:48 is caught', () => {
  const runs = 200;
  let caught = 0;
  for (let run = 0; run < runs; run++) {
    const random = new Random(52, run);
    let first = 0;
    for (let unit = 0; unit < 20_000; unit++) if (random.uniform() < 0.52) first += 1;
    if (sampleRatio([first, 20_000 - first], [5000, 5000]).alarm) caught += 1;
  }
  // The test's power here is 99 %; 190 of 200 is five standard deviations below.
  expect(caught).toBeGreaterThanOrEqual(190);
});
