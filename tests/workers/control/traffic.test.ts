import { beforeAll, describe, expect, test } from 'vitest';
import { latencyAccuracy, latencyBucket } from '../../../shared/latency-histogram.ts';
import { endpointTraffic, trafficList } from '../../../shared/traffic.ts';
import { setEndpoint } from '../../../workers/domain/set-endpoint.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { addTraffic } from '../../../workers/store/traffic.ts';
import { countOf, messageOf } from '../../shared/traffic.ts';
import { by, freshStores, publish } from '../fixtures.ts';
import { answer, makeKey, refusal } from './client.ts';

let stores: Stores;
let key: string;
beforeAll(async () => {
  stores = await freshStores();
  ({ key } = await makeKey('read'));
  const bundle = await publish(stores, ['digit']);
  for (const endpoint of ['audio', 'vision'])
    await setEndpoint(stores, { endpoint, tasks: { digit: bundle } }, by);
  const at = ['2026-01-02T03:04:00.000Z', '2026-01-02T03:59:00.000Z', '2026-01-02T23:00:00.000Z'];
  const counts = at.map((one, i) => countOf({ at: one, errors: i === 2 ? { unavailable: 6 } : {} }));
  await addTraffic(stores.db, { ...messageOf(), counts }, by.at);
});
const day = 'from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z';
const read = async (query: string) => {
  const [status, body] = await answer('GET', `/v1/endpoints/vision/traffic?${query}`, { key });
  expect(status, JSON.stringify(body)).toBe(200);
  return endpointTraffic.parse(body);
};

describe('GET /v1/endpoints/:name/traffic', () => {
  test('tells minutes, hours and days that had requests, and the same total from each', async () => {
    const total = { requests: 15, samples: 15, errors: { unavailable: 6 } };
    const points = {
      minute: [3, 3, 9],
      hour: [6, 9],
      day: [15],
    };
    for (const [resolution, requests] of Object.entries(points)) {
      const told = await read(`${day}&resolution=${resolution}`);
      expect(told).toMatchObject({ endpoint: 'vision', resolution, total });
      expect(told.points.map((point) => point.requests)).toEqual(requests);
      const p50 = told.total.latencyMs?.p50 ?? 0;
      expect(Math.abs(p50 - 2) / 2).toBeLessThanOrEqual(latencyAccuracy + 1e-12);
      expect(latencyBucket(told.total.latencyMs?.p99 ?? 0)).toBe(latencyBucket(40));
    }
    expect((await read(`${day}&resolution=day`)).points.map(({ at }) => at)).toEqual([
      '2026-01-02T00:00:00.000Z',
    ]);
    expect((await read(`${day}&resolution=hour`)).points.map(({ at }) => at)).toEqual([
      '2026-01-02T03:00:00.000Z',
      '2026-01-02T23:00:00.000Z',
    ]);
  });

  test('tells of no latency where nothing was answered', async () => {
    const { points, total } = await read('from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z');
    expect(points).toEqual([]);
    expect(total).toEqual({ requests: 0, samples: 0, errors: {}, latencyMs: null });
  });

  test('refuses what it cannot tell of', async () => {
    const refused = async (query: string, message: RegExp): Promise<void> => {
      const [status, body] = await answer('GET', `/v1/endpoints/vision/traffic?${query}`, { key });
      expect(status, query).toBe(400);
      expect(body).toEqual(refusal('invalid', message));
    };
    await refused('from=yesterday', /the query is wrong: from/);
    await refused('resolution=second', /the query is wrong: resolution/);
    await refused('since=now', /the query is wrong: .*since/);
    await refused('resolution=minute&from=2025-01-01T00:00:00Z', /points of a minute, the most are 1500/);
    expect(await answer('GET', '/v1/endpoints/none/traffic', { key })).toEqual([
      404,
      refusal('not-found', 'There is no endpoint "none".'),
    ]);
  });
});

describe('GET /v1/traffic', () => {
  test('tells what came to every endpoint in all, nothing too', async () => {
    for (const resolution of ['minute', 'hour', 'day']) {
      const [status, body] = await answer('GET', `/v1/traffic?${day}&resolution=${resolution}`, { key });
      expect(status).toBe(200);
      const { endpoints } = trafficList.parse(body);
      expect(endpoints).toMatchObject([
        { endpoint: 'audio', requests: 0, errors: {}, latencyMs: null },
        { endpoint: 'vision', requests: 15, errors: { unavailable: 6 } },
      ]);
      const { p50 = 0, p95 = 0 } = endpoints[1]?.latencyMs ?? {};
      expect([p50, p95].map(latencyBucket)).toEqual([2, 40].map(latencyBucket));
    }
  });

  test('goes on after its cursor', async () => {
    const [, body] = await answer('GET', `/v1/traffic?${day}&cursor=audio`, { key });
    expect(trafficList.parse(body).endpoints.map(({ endpoint }) => endpoint)).toEqual(['vision']);
  });
});
