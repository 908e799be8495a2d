import { beforeAll, describe, expect, test } from 'vitest';
import type { ExperimentRequest } from '../../../shared/experiment-api.ts';
import type { Change } from '../../../workers/domain/change.ts';
import { evaluateExperiment } from '../../../workers/domain/evaluate-experiment.ts';
import { startExperiment } from '../../../workers/domain/move-experiment.ts';
import { saveExperiment } from '../../../workers/domain/save-experiment.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import { listAudit } from '../../../workers/store/audit.ts';
import { findEndpoint } from '../../../workers/store/endpoints.ts';
import { listEvaluations } from '../../../workers/store/evaluations.ts';
import { readRouting } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { publishArms, requestOf, sendTraffic } from '../experiments.ts';
import { by, freshStores } from '../fixtures.ts';

let stores: Stores;
let arms: Awaited<ReturnType<typeof publishArms>>;
beforeAll(async () => {
  stores = await freshStores();
  arms = await publishArms(stores, 'vision');
});

const rule: Change = { actor: 'rule', at: '2026-01-03T00:00:00.000Z' };
const evaluateNow = (name: string) => evaluateExperiment(stores, name, rule);

/** A running experiment on an endpoint of the same name. */
async function running(name: string, change: Partial<ExperimentRequest> = {}): Promise<void> {
  await setEndpoint(stores, { endpoint: name, tasks: arms.separate }, by);
  await saveExperiment(stores, { experiment: name, request: requestOf(name, arms, change) }, by);
  await startExperiment(stores, { experiment: name }, by);
}

test('without units it keeps running', async () => {
  await running('empty');
  expect(await evaluateNow('empty')).toMatchObject({ action: 'keep-running', experiment: { version: 2 } });
});

test('an arm that is as good on every task becomes the routing', async () => {
  await running('as-good');
  await sendTraffic(stores, 'as-good', { experiment: 'as-good', units: 4000 });
  const { action, reason, experiment } = await evaluateNow('as-good');
  expect(action).toBe('ship');
  expect(reason).toMatch(/^Arm merged is not inferior to separate on digit .* and clothing /);
  expect(experiment).toMatchObject({
    state: 'decided',
    decision: { arm: 'merged', by: 'rule', reason, at: rule.at },
  });
  expect((await findEndpoint(stores.db, 'as-good'))?.tasks).toEqual(arms.merged);
  expect(await readRouting(stores.kv, 'as-good')).toMatchObject({ revision: 2, experiments: [] });
});

test('an arm that breaks its guardrail is rolled back at the next evaluation, which says why', async () => {
  await running('damaged', { guardrails: [{ kind: 'accuracy', task: 'digit', maxDrop: 0.05 }] });
  await sendTraffic(stores, 'damaged', { experiment: 'damaged', units: 400, right: { merged: 0.3 } });
  const { action, reason, experiment } = await evaluateNow('damaged');
  expect(action).toBe('roll-back');
  expect(reason).toMatch(
    /^Guardrail breached: arm merged has at least [\d.]+ % less accuracy on digit than separate/,
  );
  expect(experiment).toMatchObject({ state: 'rolled-back', decision: { arm: 'separate', by: 'rule' } });
  expect((await findEndpoint(stores.db, 'damaged'))?.tasks).toEqual(arms.separate);
  expect(await readRouting(stores.kv, 'damaged')).toMatchObject({ revision: 1, experiments: [] });
  const [entry] = (await listAudit(stores.db)).rows;
  expect(entry).toMatchObject({ actor: 'rule', action: 'experiment.roll-back', detail: { reason } });
});

test('errors of the arm roll it back, errors of clients do not', async () => {
  const guardrails = [{ kind: 'errors' as const, maxIncrease: 0.05 }];
  for (const [name, error, action] of [
    ['faulty', 'unavailable', 'roll-back'],
    ['misused', 'invalid', 'hold'],
  ] as const) {
    await running(name, { guardrails });
    const change = (_: number, arm: string) => (arm === 'merged' ? { error, predicted: {} } : {});
    await sendTraffic(stores, name, { experiment: name, units: 400, change });
    // Requests that fail have no outcome, which holds the experiment where no guardrail is breached.
    expect((await evaluateNow(name)).action, name).toBe(action);
  }
});

describe('a guarded rollout', () => {
  test('advances step by step while healthy, and every step is a phase', async () => {
    await running('ramp', { coverage: 0.1 });
    await sendTraffic(stores, 'ramp', { experiment: 'ramp', units: 200 });
    const first = await evaluateNow('ramp');
    expect(first).toMatchObject({
      action: 'advance',
      experiment: { coverage: 0.5, version: 3, revision: 1 },
    });
    expect(await readRouting(stores.kv, 'ramp')).toMatchObject({
      experiments: [{ coverage: 0.5, phase: 2 }],
    });
    // The step has to gain units of its own first.
    expect(await evaluateNow('ramp')).toMatchObject({ action: 'keep-running', experiment: { version: 3 } });
    await sendTraffic(stores, 'ramp', { experiment: 'ramp', units: 200, first: 200, phase: 2 });
    expect(await evaluateNow('ramp')).toMatchObject({
      action: 'advance',
      experiment: { coverage: 1, version: 4 },
    });
    const { phases } = (await evaluateNow('ramp')).experiment;
    expect(phases.map((phase) => [phase.coverage, phase.endedAt === null])).toEqual([
      [0.1, false],
      [0.5, false],
      [1, true],
    ]);
  });

  test('holds on a sample-ratio mismatch, once in the audit log, and goes on when it is gone', async () => {
    await running('skewed', { coverage: 0.1 });
    const change = (i: number) => (i % 4 === 1 ? { assignment: null } : {});
    await sendTraffic(stores, 'skewed', { experiment: 'skewed', units: 400, change });
    const held = await evaluateNow('skewed');
    expect(held).toMatchObject({ action: 'hold', experiment: { version: 2 } });
    expect(held.reason).toMatch(/^Sample-ratio mismatch/);
    await evaluateNow('skewed');
    const holds = (await listAudit(stores.db)).rows.filter((row) => row.action === 'experiment.hold');
    expect(holds.filter((row) => row.subject === 'skewed')).toHaveLength(1);
    // The lost ones arrive late.
    await sendTraffic(stores, 'skewed', { experiment: 'skewed', units: 400 });
    expect((await evaluateNow('skewed')).action).toBe('advance');
  });

  test('holds while outcomes are missing', async () => {
    await running('silent', { coverage: 0.1 });
    const change = () => ({ predicted: {} });
    await sendTraffic(stores, 'silent', { experiment: 'silent', units: 200, change });
    const { action, reason } = await evaluateNow('silent');
    expect(action).toBe('hold');
    expect(reason).toMatch(/^Missing data: 0 units of arm separate have an outcome of digit/);
  });
});

test('exposures of another revision, of addressed and of uncovered requests are not compared', async () => {
  await running('strangers', { coverage: 0.1 });
  await sendTraffic(stores, 'strangers', { experiment: 'strangers', units: 200, revision: 2 });
  const change = (i: number, arm: string) => ({
    assignment: {
      ...{ experiment: 'strangers', revision: 1, phase: 1, arm },
      reason: i % 4 < 2 ? ('addressed' as const) : ('not-covered' as const),
      unit: String(i).padStart(32, '0'),
    },
  });
  await sendTraffic(stores, 'strangers', { experiment: 'strangers', units: 200, first: 200, change });
  expect((await evaluateNow('strangers')).reason).toMatch(/has 0 new units/);
});

test('a point is kept when something new is said or units grew by a twentieth, and not otherwise', async () => {
  await running('curve', { margins: { digit: 0.001, clothing: 0.001 } });
  const points = async () => (await listEvaluations(stores.db, 'curve', 1)).map((row) => row.figures.units);
  await sendTraffic(stores, 'curve', { experiment: 'curve', units: 200 });
  await evaluateNow('curve');
  await evaluateNow('curve');
  expect(await points()).toEqual([{ separate: 100, merged: 100 }]);
  await sendTraffic(stores, 'curve', { experiment: 'curve', units: 8, first: 200 });
  await evaluateNow('curve');
  expect(await points()).toHaveLength(1);
  await sendTraffic(stores, 'curve', { experiment: 'curve', units: 2, first: 208 });
  await evaluateNow('curve');
  expect(await points()).toEqual([
    { separate: 100, merged: 100 },
    { separate: 105, merged: 105 },
  ]);
});

test('an experiment that does not run is judged but not touched', async () => {
  await running('done');
  await sendTraffic(stores, 'done', { experiment: 'done', units: 4000 });
  await evaluateNow('done');
  const again = await evaluateNow('done');
  expect(again).toMatchObject({
    action: 'hold',
    reason: 'The experiment is decided.',
    experiment: { version: 3 },
  });
});

test('when somebody edits while it is judged, nothing is done until the next time', async () => {
  await running('moved');
  await sendTraffic(stores, 'moved', { experiment: 'moved', units: 4000 });
  const request = requestOf('moved', arms, { shadow: { share: 0.5, arm: 'merged' } });
  const results = await Promise.allSettled([
    evaluateNow('moved'),
    saveExperiment(stores, { experiment: 'moved', request }, by),
  ]);
  const refused = results.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown);
  for (const reason of refused) expect(reason).toMatchObject({ code: 'conflict' });
  expect(results.some((one) => one.status === 'fulfilled')).toBe(true);
});

test('an experiment that is not there is not found', async () => {
  await expect(evaluateNow('nobody')).rejects.toMatchObject({ code: 'not-found' });
});
