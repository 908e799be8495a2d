import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  evaluationView,
  experimentDetail,
  experimentList,
  experimentView,
  outcomesReply,
} from '../../../shared/experiment-api.ts';
import { experimentReport } from '../../../shared/experiment-report.ts';
import { readRouting } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { publishArms, requestOf, sendTraffic } from '../experiments.ts';
import { freshStores } from '../fixtures.ts';
import { answer, call, makeKey, refusal } from './client.ts';

let stores: Stores;
let arms: Awaited<ReturnType<typeof publishArms>>;
let key: string;
beforeAll(async () => {
  stores = await freshStores();
  arms = await publishArms(stores, 'vision');
  ({ key } = await makeKey('read', 'write', 'outcome'));
});

const path = (name: string, action = ''): string => `/v1/experiments/${name}${action}`;
const put = (name: string, json: unknown, headers: Record<string, string> = {}) =>
  call('PUT', path(name), { key, json, headers });
const act = (name: string, action: string, json?: unknown) =>
  answer('POST', path(name, `/${action}`), { key, ...(json === undefined ? {} : { json }) });

describe('the life of an experiment over HTTP', () => {
  test('created, started, measured, evaluated, reported, decided, archived', async () => {
    const created = await put('whole', requestOf('vision', arms));
    expect(created.status).toBe(201);
    expect(created.headers.get('ETag')).toBe('"1"');
    expect(experimentView.parse(await created.json())).toMatchObject({ state: 'draft', publishedAt: null });

    expect(await act('whole', 'start')).toMatchObject([200, { state: 'running', version: 2 }]);
    await sendTraffic(stores, 'vision', { experiment: 'whole', units: 100 });
    const [, evaluated] = await act('whole', 'evaluate');
    expect(evaluationView.parse(evaluated)).toMatchObject({ action: 'keep-running' });
    const [status, report] = await answer('GET', path('whole', '/report'), { key });
    expect(status).toBe(200);
    expect(experimentReport.parse(report).units).toEqual({ separate: 50, merged: 50 });

    const [, decided] = await act('whole', 'decide', { arm: 'merged', reason: 'the saving is worth it' });
    expect(experimentView.parse(decided)).toMatchObject({
      state: 'decided',
      decision: { arm: 'merged', reason: 'the saving is worth it', by: 'person' },
    });
    expect(await readRouting(env.ROUTING, 'vision')).toMatchObject({ revision: 2, experiments: [] });
    expect(experimentReport.parse((await answer('GET', path('whole', '/report'), { key }))[1]).verdict).toBe(
      'Decided for merged by a person: the saving is worth it',
    );
    expect(await act('whole', 'archive')).toMatchObject([200, { state: 'archived', version: 4 }]);

    const detail = experimentDetail.parse((await answer('GET', path('whole'), { key }))[1]);
    expect(detail.history.map((one) => [one.version, one.step, one.reason])).toEqual([
      [4, 'archive', null],
      [3, 'decide', 'the saving is worth it'],
      [2, 'start', null],
      [1, 'create', null],
    ]);
  });

  test('paused and rolled back, with a reason', async () => {
    await publishArms(stores, 'paused');
    await put('paused', requestOf('paused', arms));
    await act('paused', 'start');
    expect(await act('paused', 'pause')).toMatchObject([200, { state: 'paused' }]);
    expect(await act('paused', 'start')).toMatchObject([200, { state: 'running', version: 4 }]);
    expect(await act('paused', 'roll-back', { reason: '  ' })).toMatchObject([
      400,
      refusal('invalid', /reason: /),
    ]);
    expect(await act('paused', 'roll-back', { reason: 'a bad feeling' })).toMatchObject([
      200,
      { state: 'rolled-back', decision: { arm: 'separate', reason: 'a bad feeling' } },
    ]);
  });
});

test('If-Match makes concurrent edits and moves safe', async () => {
  const request = requestOf('vision', arms);
  expect((await put('strict', request, { 'If-Match': '"0"' })).status).toBe(201);
  expect((await put('strict', request, { 'If-Match': '"0"' })).status).toBe(409);
  const edited = await put('strict', { ...request, coverage: 0.5 }, { 'If-Match': '"1"' });
  expect([edited.status, edited.headers.get('ETag')]).toEqual([200, '"2"']);
  const moved = await call('POST', path('strict', '/archive'), { key, headers: { 'If-Match': '"1"' } });
  expect(moved.status).toBe(409);
});

test('experiments are listed by name, each at its newest version', async () => {
  await put('listed', requestOf('vision', arms));
  await put('listed', requestOf('vision', arms, { coverage: 0.3 }));
  const { experiments, next } = experimentList.parse((await answer('GET', '/v1/experiments', { key }))[1]);
  expect(experiments.find((one) => one.experiment === 'listed')).toMatchObject({ version: 2, coverage: 0.3 });
  const names = experiments.map((one) => one.experiment);
  expect(names).toEqual([...new Set(names)].sort());
  expect(next).toBeNull();
});

test('what is wrong with an experiment is told', async () => {
  const request = requestOf('vision', arms);
  const told = async (json: unknown) => {
    const response = await put('wrong', json);
    return [response.status, await response.json()];
  };
  expect(await told({ ...request, colour: 'blue' })).toEqual([400, refusal('invalid', /colour/)]);
  expect(await told({ ...request, defaultArm: 'third' })).toEqual([
    422,
    refusal('unprocessable', /"third" is not an arm/),
  ]);
  const [first] = request.arms;
  expect(await told({ ...request, arms: [first, { ...first, name: 'other', weight: 4000 }] })).toEqual([
    422,
    refusal('unprocessable', /the weights sum to 9000 slots/),
  ]);
  expect((await put('Not A Name', request)).status).toBe(400);
  expect(await act('wrong', 'start')).toEqual([404, refusal('not-found', 'There is no experiment "wrong".')]);
  expect((await answer('GET', path('wrong', '/report'), { key }))[0]).toBe(404);
  expect((await act('wrong', 'evaluate'))[0]).toBe(404);
});

describe('POST /v1/outcomes', () => {
  const send = async (json: unknown) => answer('POST', '/v1/outcomes', { key, json });

  test('takes one or many, of requests and of units, and the same again without harm', async () => {
    const one = { requestId: 'o-1', task: 'digit', truth: 7 };
    expect(await send(one)).toEqual([200, { accepted: 1, repeated: 0, contradicted: [] }]);
    const many = {
      outcomes: [
        one,
        { requestId: 'o-1', task: 'clothing', truth: [1, 2] },
        {
          endpoint: 'vision',
          unit: 'jane@example.com',
          task: 'digit',
          reward: 0.5,
          at: '2026-01-01T00:00:00.000Z',
        },
        { requestId: 'o-1', task: 'digit', truth: 8 },
      ],
    };
    expect(await send(many)).toEqual([200, { accepted: 2, repeated: 2, contradicted: [3] }]);
    const [, again] = await send(many);
    expect(outcomesReply.parse(again)).toEqual({ accepted: 0, repeated: 4, contradicted: [3] });
    const units = await env.DB.prepare(`SELECT subject FROM outcomes WHERE kind = 'unit'`).all();
    expect(JSON.stringify(units.results)).not.toContain('jane');
  });

  test('refuses what has no truth or reward, or both, or a reward out of range', async () => {
    for (const wrong of [
      { requestId: 'o-2', task: 'digit' },
      { requestId: 'o-2', task: 'digit', truth: 1, reward: 1 },
      { requestId: 'o-2', task: 'digit', reward: 1.5 },
      { requestId: 'o-2', task: 'digit', truth: -1 },
      { requestId: 'o 2', task: 'digit', truth: 1 },
      { unit: 'jane', task: 'digit', truth: 1 },
      { outcomes: [] },
    ]) {
      expect((await send(wrong))[0], JSON.stringify(wrong)).toBe(400);
    }
  });

  test('takes a thousand at once and no more', async () => {
    const outcomes = Array.from({ length: 1001 }, (_, i) => ({
      requestId: `many-${i}`,
      task: 'digit',
      truth: 1,
    }));
    expect(await send({ outcomes: outcomes.slice(1) })).toMatchObject([200, { accepted: 1000 }]);
    expect((await send({ outcomes }))[0]).toBe(400);
  });
});
