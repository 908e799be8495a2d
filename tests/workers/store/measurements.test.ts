import { beforeAll, expect, test } from 'vitest';
import { isFault, type Exposure } from '../../../shared/exposure.ts';
import { ratioSumsOf, type RatioSums } from '../../../shared/statistics/ratio.ts';
import { insertExposures } from '../../../workers/store/exposures.ts';
import {
  countLatencies,
  countRequests,
  countUnits,
  sumAgreement,
  sumOutcomes,
  sumRequests,
  sumShadows,
  type MetricSums,
} from '../../../workers/store/measurements.ts';
import { insertOutcomes, type OutcomeRow } from '../../../workers/store/outcomes.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { exposureOf } from '../../shared/exposures.ts';
import { fractionAt } from '../experiments.ts';
import { by, freshStores } from '../fixtures.ts';

let stores: Stores;
const of = { experiment: 'merged-or-not', revision: 2 };
const unit = (i: number): string => String(i).padStart(32, '0');
const pick = <T>(options: readonly T[], i: number): T =>
  options[Math.floor(fractionAt(i) * options.length)] as T;

/** 400 requests of 60 units in two arms and two phases, some failed, some of nobody, the last unit in both arms. */
const requests: Exposure[] = Array.from({ length: 400 }, (_, i) => {
  const who = Math.floor(fractionAt(i + 1) * 60);
  const both = who === 59;
  return exposureOf({
    requestId: `r${i}`,
    at: new Date(Date.parse(by.at) + fractionAt(7 * i) * 1e7).toISOString(),
    assignment: {
      ...of,
      revision: i % 40 === 0 ? 1 : 2,
      phase: 1 + (i % 2),
      arm: (both ? i % 2 : who % 2) === 0 ? 'separate' : 'merged',
      reason: i % 17 === 0 ? 'not-covered' : 'assigned',
      unit: i % 17 === 1 ? null : unit(who),
    },
    predicted: { digit: [i % 3, i % 2], clothing: [i % 5] },
    latencyMs: { total: 0.5 + fractionAt(3 * i) * 20, load: 0, trunk: fractionAt(i), heads: 0.25 },
    bytesLoaded: i % 9 === 0 ? 1_000_000 : 0,
    heapBytes: 90_000_000 + i,
    cold: i % 9 === 0,
    error: pick([null, null, null, 'invalid', 'unavailable', 'internal'] as const, 5 * i),
    shadow: i % 4 === 0 ? exposureOf().shadow : null,
  });
});

const outcomes: OutcomeRow[] = requests.flatMap(({ requestId }, i): OutcomeRow[] => {
  const said = { kind: 'request' as const, subject: requestId, at: by.at, truth: null, reward: null };
  return [
    ...(i % 2 === 0 ? [{ ...said, task: 'digit', truth: [1, 1] }] : []),
    ...(i % 3 === 0 ? [{ ...said, task: 'clothing', reward: fractionAt(11 * i) }] : []),
  ];
});
for (let i = 0; i < 60; i += 3) {
  const said = { kind: 'unit' as const, subject: unit(i), at: by.at };
  outcomes.push({ ...said, task: 'digit', truth: [2], reward: null });
  outcomes.push({ ...said, task: 'clothing', truth: null, reward: 0.5 });
}
// What speaks of nobody, or of a task that was not asked.
outcomes.push({ kind: 'request', subject: 'nobody', task: 'digit', truth: [1], reward: null, at: by.at });
outcomes.push({ kind: 'request', subject: 'r2', task: 'speech', truth: [1], reward: null, at: by.at });

beforeAll(async () => {
  stores = await freshStores();
  // Outcomes first, exposures backwards and twice: order and repetition must not matter.
  await insertOutcomes(stores.db, outcomes);
  const backwards = [...requests].reverse();
  for (let i = 0; i < 400; i += 100) await insertExposures(stores.db, backwards.slice(i, i + 100));
  await insertExposures(stores.db, requests.slice(0, 150));
});

// The same in plain code: requests by unit, units by the arm they met.
const mine = requests.filter(
  ({ assignment: a }) => a?.revision === 2 && a.reason === 'assigned' && a.unit !== null,
);
const byUnit = new Map<string, Exposure[]>();
for (const one of mine) {
  const who = one.assignment?.unit ?? '';
  byUnit.set(
    who,
    [...(byUnit.get(who) ?? []), one].sort((a, b) => a.at.localeCompare(b.at)),
  );
}
const armsOf = (own: Exposure[]): Set<string | undefined> => new Set(own.map((one) => one.assignment?.arm));
const unitsOf = (arm: string): [string, Exposure[]][] =>
  [...byUnit].filter(([, own]) => armsOf(own).size === 1 && armsOf(own).has(arm));

type Pair = readonly [x: number, y: number];
const expectSums = (rows: MetricSums[], arm: string, metric: string, pairs: Pair[]): void => {
  const expected: RatioSums = ratioSumsOf(pairs.filter(([, y]) => y > 0));
  const found = rows.find((row) => row.arm === arm && row.metric === metric);
  for (const key of ['units', 'x', 'y', 'xx', 'xy', 'yy'] as const) {
    expect(found?.[key], `${arm} ${metric} ${key}`).toBeCloseTo(
      expected[key],
      4 - Math.ceil(Math.log10(1 + expected[key])),
    );
  }
};
const sum = (own: Exposure[], value: (one: Exposure) => number): number =>
  own.reduce((total, one) => total + value(one), 0);

test('the data have what the queries must tell apart', () => {
  expect([...byUnit.values()].filter((own) => armsOf(own).size === 2)).toHaveLength(1);
  expect(mine.length).toBeGreaterThan(250);
  expect(mine.length).toBeLessThan(400);
});

test('countUnits() counts a unit in the phase and arm it met first, and apart when it met two', async () => {
  const counts = await countUnits(stores.db, of);
  const expected = new Map<string, number>();
  for (const own of byUnit.values()) {
    const key = `${own[0]?.assignment?.phase} ${armsOf(own).size === 1 ? own[0]?.assignment?.arm : null}`;
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  expect(new Map(counts.map(({ phase, arm, units }) => [`${phase} ${arm}`, units]))).toEqual(expected);
});

test('sumRequests() sums by unit what requests took', async () => {
  const rows = await sumRequests(stores.db, of);
  for (const arm of ['separate', 'merged']) {
    const units = unitsOf(arm).map(([, own]) => own);
    const answered = units.map((own) => own.filter((one) => one.error === null));
    const over = (value: (one: Exposure) => number): Pair[] =>
      answered.map((own) => [sum(own, value), own.length] as const);
    expectSums(
      rows,
      arm,
      'errors',
      units.map((own) => [sum(own, (one) => (one.error !== null && isFault(one.error) ? 1 : 0)), own.length]),
    );
    expectSums(
      rows,
      arm,
      'latencyMs',
      over((one) => one.latencyMs.total),
    );
    expectSums(
      rows,
      arm,
      'computeMs',
      over((one) => one.latencyMs.trunk + one.latencyMs.heads),
    );
    expectSums(
      rows,
      arm,
      'bytesLoaded',
      over((one) => one.bytesLoaded),
    );
    expectSums(
      rows,
      arm,
      'heapBytes',
      over((one) => one.heapBytes),
    );
  }
});

test('sumOutcomes() scores truths by sample and adds rewards, of requests and of units', async () => {
  const rows = await sumOutcomes(stores.db, of);
  const said = (kind: string, subject: string, task: string): OutcomeRow | undefined =>
    outcomes.find((one) => one.kind === kind && one.subject === subject && one.task === task);
  for (const arm of ['separate', 'merged']) {
    for (const task of ['digit', 'clothing']) {
      const pairs = unitsOf(arm).map(([who, own]): Pair => {
        const scores: number[] = [];
        const score = (one: Exposure, outcome: OutcomeRow | undefined): void => {
          const predicted = one.predicted[task] ?? [];
          for (const [i, truth] of (outcome?.truth ?? []).entries()) {
            if (predicted[i] !== undefined) scores.push(truth === predicted[i] ? 1 : 0);
          }
        };
        for (const one of own) {
          const outcome = said('request', one.requestId, task);
          if (outcome?.reward != null) scores.push(outcome.reward);
          score(one, outcome);
          score(one, said('unit', who, task));
        }
        const reward = said('unit', who, task)?.reward;
        if (reward != null) scores.push(reward);
        return [scores.reduce((total, one) => total + one, 0), scores.length];
      });
      expectSums(rows, arm, task, pairs);
    }
  }
  expect(rows.map((row) => row.metric)).not.toContain('speech');
});

test('countLatencies() rounds latencies to three digits and loses none', async () => {
  const counts = await countLatencies(stores.db, of);
  for (const arm of ['separate', 'merged']) {
    const exact = unitsOf(arm)
      .flatMap(([, own]) => own)
      .filter((one) => one.error === null)
      .map((one) => Number(one.latencyMs.total.toPrecision(3)))
      .sort((a, b) => a - b);
    const found = counts
      .filter((count) => count.arm === arm)
      .flatMap(({ ms, requests }) => Array.from({ length: requests }, () => ms))
      .sort((a, b) => a - b);
    expect(found).toHaveLength(exact.length);
    for (const [i, ms] of found.entries()) expect(ms / (exact[i] ?? 0)).toBeCloseTo(1, 2);
  }
});

test('countRequests() counts all of the revision, those that are not compared too', async () => {
  const counts = await countRequests(stores.db, of);
  const ours = requests.filter((one) => one.assignment?.revision === 2);
  expect(counts.reduce((total, { requests }) => total + requests, 0)).toBe(ours.length);
  const cold = ours.filter(
    ({ assignment, error, cold }) =>
      assignment?.reason === 'not-covered' && assignment.arm === 'merged' && error === null && cold,
  );
  expect(
    counts.find(({ arm, reason, error }) => arm === 'merged' && reason === 'not-covered' && error === null)
      ?.cold,
  ).toBe(cold.length);
});

test('sumAgreement() and sumShadows() sum what shadows showed', async () => {
  const ran = requests.filter((one) => one.assignment?.revision === 2 && one.shadow !== null);
  const merged = ran.filter((one) => one.assignment?.arm === 'merged').length;
  const agreement = await sumAgreement(stores.db, of);
  expect(agreement.map(({ arm, task }) => [arm, task])).toEqual([
    ['merged', 'clothing'],
    ['merged', 'digit'],
    ['separate', 'clothing'],
    ['separate', 'digit'],
  ]);
  expect(agreement[0]).toMatchObject({
    ...{ requests: merged, samples: merged, classified: merged, top1Matches: merged },
    ...{ maxDifference: 0.125, kl: expect.closeTo(0.001, 12) as number },
  });
  expect((await sumShadows(stores.db, of))[0]).toEqual({
    ...{ arm: 'merged', shadow: 'separate', requests: merged, failed: 0, meanMs: 4, bytesLoaded: 0 },
  });
});

test('an experiment nobody met has nothing to sum', async () => {
  const nobody = { experiment: 'nobody', revision: 1 };
  expect(await countUnits(stores.db, nobody)).toEqual([]);
  expect(await sumRequests(stores.db, nobody)).toEqual([]);
  expect(await sumOutcomes(stores.db, nobody)).toEqual([]);
});
