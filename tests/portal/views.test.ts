import { describe, expect, it } from 'vitest';
import { ApiError } from '../../client/http.ts';
import { errorStatus, type ErrorCode } from '../../shared/errors.ts';
import { explain } from '../../workers/portal/src/api/explain.ts';
import { detailText } from '../../workers/portal/src/pages/operations/detailText.ts';
import { jobTitle, latestFirst } from '../../workers/portal/src/pages/operations/queueView.ts';
import { trafficRows } from '../../workers/portal/src/pages/operations/armTraffic.ts';
import { servesMerged, stepsOf } from '../../workers/portal/src/pages/home/steps.ts';
import { operationsHandlers } from './operationsFixtures.ts';
import { digest } from './registryFixtures.ts';
import { jobList, runnerList } from '../../shared/jobs.ts';
import type { ExperimentReport } from '../../shared/experiment-report.ts';

describe('explain()', () => {
  it.each(Object.entries(errorStatus))(
    'a refusal %s keeps the service’s sentence and says what to do',
    (code, status) => {
      const error = new ApiError(
        `GET /v1/models answered ${status}: There is no such thing.`,
        status,
        code as ErrorCode,
      );
      const { message, next, code: shown } = explain(error);
      expect(message).toBe('There is no such thing.');
      expect(shown).toBe(code);
      expect(next.length).toBeGreaterThan(10);
    },
  );

  it('no answer, a foreign answer and a fault of the page are told apart', () => {
    expect(explain(new ApiError('x', 0, null))).toMatchObject({ code: 'no answer', retry: true });
    expect(explain(new ApiError('GET / answered 502: <html>', 502, null))).toMatchObject({
      code: '502',
      retry: true,
    });
    expect(explain(new Error('broken'))).toMatchObject({ code: 'page', message: 'broken' });
  });
});

describe('stepsOf()', () => {
  const nothing = {
    ...{ models: 0, datasets: 0, bundles: 0, endpoints: 0 },
    ...{ merging: 0, merged: 0, servingMerged: 0 },
  };
  const states = (stock: Partial<typeof nothing>): string[] =>
    stepsOf({ ...nothing, ...stock }).map(({ state }) => state);
  it('the first step that is not done is the one to take', () => {
    expect(states({})).toEqual(['now', 'later', 'later']);
    expect(states({ models: 1, datasets: 1 })).toEqual(['now', 'later', 'later']);
    expect(states({ models: 2, datasets: 1 })).toEqual(['done', 'now', 'later']);
    expect(states({ models: 2, datasets: 2, bundles: 1, merged: 1 })).toEqual(['done', 'done', 'now']);
    expect(states({ models: 2, datasets: 2, bundles: 1, endpoints: 1, servingMerged: 1 })).toEqual([
      'done',
      'done',
      'done',
    ]);
  });
  it('separate networks that are served are not the end of the way', () => {
    expect(states({ models: 2, datasets: 2, bundles: 2, endpoints: 1 })).toEqual(['done', 'now', 'later']);
    expect(servesMerged({ digit: 'a', fashion: 'b' })).toBe(false);
    expect(servesMerged({ digit: 'a', fashion: 'b', letter: 'a' })).toBe(true);
  });
});

it('trafficRows() adds an arm’s requests up, whatever they came for, and orders its quantiles', () => {
  const report = {
    experiment: 'x',
    requests: [
      { arm: 'a', reason: 'assigned', requests: 90, cold: 2, errors: { unavailable: 1 } },
      { arm: 'a', reason: 'no-unit', requests: 10, cold: 1, errors: { invalid: 3, unavailable: 1 } },
      { arm: 'b', reason: 'assigned', requests: 5, cold: 0, errors: {} },
    ],
    latency: [
      { arm: 'a', quantile: 0.99, ms: 9, interval: { low: 8, high: 10 }, change: null },
      { arm: 'a', quantile: 0.5, ms: 3, interval: { low: 2, high: 4 }, change: null },
      { arm: 'b', quantile: 0.5, ms: null, interval: { low: null, high: null }, change: null },
    ],
  } as unknown as ExperimentReport;
  expect(trafficRows(report)).toEqual([
    {
      experiment: 'x',
      arm: 'a',
      requests: 100,
      cold: 3,
      errors: 5,
      errorText: 'invalid 3, unavailable 2',
      latency: [
        { quantile: 0.5, ms: 3 },
        { quantile: 0.99, ms: 9 },
      ],
    },
    { experiment: 'x', arm: 'b', requests: 5, cold: 0, errors: 0, errorText: '', latency: [] },
  ]);
});

it('latestFirst() begins with the runner that was heard of last', () => {
  const { runners } = runnerList.parse(operationsAnswer('GET /v1/runners'));
  expect(latestFirst(runners).map(({ name }) => name)).toEqual(['gpu-1', 'laptop', 'old-gpu']);
});

it('jobTitle() says what a job is about', () => {
  const { jobs } = jobList.parse(operationsAnswer('GET /v1/jobs'));
  expect(jobs.map(jobTitle)).toEqual(['Read digit@3', 'Read digit-data@3']);
});

const operationsAnswer = (route: string): unknown =>
  operationsHandlers[route]?.({ url: new URL('http://x/'), params: [], body: Buffer.alloc(0), headers: {} });

it('detailText() is one line, with the first digits of digests', () => {
  expect(detailText({ revision: 3, tasks: { digit: digest(1) }, none: null, list: [1, 'b'] })).toBe(
    `revision 3, tasks digit ${digest(1).slice(0, 10)}…, none —, list 1, b`,
  );
});
