import { beforeAll, expect, test } from 'vitest';
import { experimentReport, type ExperimentReport } from '../../../shared/experiment-report.ts';
import { evaluateExperiment } from '../../../workers/domain/evaluate-experiment.ts';
import { startExperiment } from '../../../workers/domain/move-experiment.ts';
import { reportExperiment } from '../../../workers/domain/report-experiment.ts';
import { saveExperiment } from '../../../workers/domain/save-experiment.ts';
import { insertExposures } from '../../../workers/store/exposures.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { exposureOf } from '../../shared/exposures.ts';
import { publishArms, requestOf, sendTraffic } from '../experiments.ts';
import { broken, by, freshStores } from '../fixtures.ts';

let stores: Stores;
let report: ExperimentReport;
const experiment = 'merged-or-not';
const later = '2026-01-03T00:00:00.000Z';

beforeAll(async () => {
  stores = await freshStores();
  const arms = await publishArms(stores, 'vision');
  const guardrails = [{ kind: 'latency' as const, maxIncrease: 0.2 }];
  const request = requestOf('vision', arms, { guardrails, coverage: 0.5 });
  await saveExperiment(stores, { experiment, request }, by);
  await startExperiment(stores, { experiment }, by);
  const latencyMs = (total: number) => ({ total, load: 0, trunk: total / 2, heads: total / 4 });
  const change = (i: number, arm: string) => ({
    latencyMs: latencyMs(arm === 'merged' ? 2 + (i % 5) / 10 : 4 + (i % 7) / 10),
    bytesLoaded: i < 10 ? 1000 : 0,
    cold: i < 10,
  });
  await sendTraffic(stores, 'vision', { experiment, units: 600, change });
  await evaluateExperiment(stores, experiment, { ...by, actor: 'rule' });
  await sendTraffic(stores, 'vision', { experiment, units: 200, first: 600, phase: 2, change });
  const { assignment } = exposureOf();
  const unassigned = assignment && { ...assignment, arm: 'separate', reason: 'no-unit' as const, unit: null };
  await insertExposures(stores.db, [
    exposureOf({ requestId: 'nobody-1', assignment: unassigned }),
    exposureOf({ requestId: 'nobody-2', assignment: unassigned, error: 'invalid', shadow: null }),
  ]);
  report = await reportExperiment(stores, experiment, later);
});

test('the report has the shape of its schema, infinities and all', () => {
  expect(experimentReport.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
});

test('the verdict is a sentence of the rule', () => {
  expect(report).toMatchObject({ state: 'running', coverage: 1, version: 3, at: later });
  expect(report.verdict).toBe(report.action.reason);
  expect(report.units).toEqual({ separate: 400, merged: 400 });
});

test('the table says each task: both accuracies, the difference with its interval, the verdict', () => {
  expect(report.tasks.map((row) => [row.task, row.arm])).toEqual([
    ['digit', 'merged'],
    ['clothing', 'merged'],
  ]);
  for (const row of report.tasks) {
    expect(row.baseline).toEqual({ value: expect.closeTo(0.9, 2) as unknown, units: 400 });
    expect(row.difference).toBeCloseTo(0, 6);
    expect(row.interval.low).toBeLessThan(0);
    expect(row.interval.high).toBeGreaterThan(0);
  }
});

test('costs and quantiles say how much faster the arm is', () => {
  const latency = report.costs.find((row) => row.cost === 'latencyMs');
  expect(latency?.change).toBeCloseTo(2.2 / 4.3 - 1, 2);
  expect(latency?.interval.high).toBeLessThan(-0.4);
  expect(report.costs.map((row) => row.cost)).toEqual(['latencyMs', 'computeMs', 'bytesLoaded', 'heapBytes']);
  const median = report.latency.filter((row) => row.quantile === 0.5);
  expect(median.map((row) => [row.arm, row.change === null])).toEqual([
    ['separate', true],
    ['merged', false],
  ]);
  expect(median[0]?.ms).toBeCloseTo(4.3, 0);
  expect(median[1]?.change?.value).toBeCloseTo(2.2 / 4.3 - 1, 1);
  expect(report.latency).toHaveLength(8);
});

test('what was saved is told by the manifests: the merged arm loads the same two files from one bundle', () => {
  expect(report.sizes.separate).toMatchObject({ bundles: 2, macs: 2, parameters: 2 });
  expect(report.sizes.merged).toMatchObject({ bundles: 1, macs: 2, parameters: 2 });
  expect(report.saved).toMatchObject([{ arm: 'merged', bytes: 0, macs: 0, measuredHeap: 0 }]);
  expect(report.saved[0]?.measuredLatency).toBeCloseTo(1 - 2.2 / 4.3, 2);
});

test('phases are checked for their sample ratio, each by itself', () => {
  expect(report.phases).toMatchObject([
    { phase: 1, coverage: 0.5, units: { separate: 300, merged: 300 }, pValue: 1, alarm: false },
    { phase: 2, coverage: 1, units: { separate: 100, merged: 100 }, pValue: 1, alarm: false },
  ]);
});

test('requests without a unit, cold ones and refused ones are counted apart', () => {
  expect(report.requests).toContainEqual({
    ...{ arm: 'separate', reason: 'no-unit', requests: 2, cold: 0, errors: { invalid: 1 } },
  });
  expect(report.requests).toContainEqual({
    ...{ arm: 'merged', reason: 'assigned', requests: 400, cold: 5, errors: {} },
  });
});

test('shadows are told with their agreement', () => {
  expect(report.shadows).toMatchObject([
    { arm: 'separate', shadow: 'separate', requests: 1, failed: 0, meanMs: 4 },
  ]);
  expect(report.shadows[0]?.tasks).toContainEqual({
    ...{ task: 'digit', samples: 1, top1Agreement: 1, maxDifference: 0.125, meanKl: 0.001 },
  });
});

test('the curve has the points that were kept', () => {
  expect(report.curve).toHaveLength(1);
  expect(report.curve[0]).toMatchObject({ action: 'advance', units: { separate: 300, merged: 300 } });
  expect(report.curve[0]?.comparisons.map((one) => one.task)).toEqual(['digit', 'clothing']);
});

test('an experiment nobody met has a report of nothing', async () => {
  const arms = await publishArms(stores, 'quiet');
  await saveExperiment(stores, { experiment: 'quiet', request: requestOf('quiet', arms) }, by);
  const quiet = await reportExperiment(stores, 'quiet', later);
  expect(experimentReport.parse(JSON.parse(JSON.stringify(quiet)))).toEqual(quiet);
  expect(quiet.tasks[0]).toMatchObject({ difference: null, interval: { low: null, high: null } });
  expect(quiet.latency[0]).toMatchObject({ ms: null });
});

test('a manifest that is gone makes the report unavailable, not wrong', async () => {
  const down = { ...stores, bucket: broken(stores.bucket, 'get') };
  await expect(reportExperiment(down, experiment, later)).rejects.toThrow();
  await expect(reportExperiment(stores, 'nobody', later)).rejects.toMatchObject({ code: 'not-found' });
});
