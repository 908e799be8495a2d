import { expect, test } from 'vitest';
import { TrunklineClient } from '../../client/client.ts';
import { fakeService, json, refusal } from './fakeService.ts';

const bundle = 'a'.repeat(64);
const request = {
  endpoint: 'shop',
  unit: { from: 'header', name: 'x-unit' },
  arms: [
    { name: 'separate', weight: 5000, tasks: { digit: bundle } },
    { name: 'merged', weight: 5000, tasks: { digit: bundle } },
  ],
  defaultArm: 'separate',
  margins: { digit: 0.01 },
} as const;
const view = {
  ...request,
  experiment: 'try',
  revision: 1,
  version: 3,
  layer: null,
  coverage: 0.01,
  shadow: null,
  alpha: 0.05,
  plannedUnits: 5000,
  guardrails: [],
  ramp: { steps: [1], minUnits: 100 },
  state: 'running',
  phases: [],
  decision: null,
  changedAt: '2026-01-01T00:00:00Z',
  changedBy: 'me',
  publishedAt: null,
};

test('moves name the version they were made from, and are sent once', async () => {
  const { asked, options } = fakeService([
    () => json(view),
    () => json({ ...view, state: 'paused' }),
    () => refusal(503, 'unavailable', 'later'),
  ]);
  const { experiments } = new TrunklineClient(options);
  await experiments.save('try', { ...request, arms: [...request.arms] }, 0);
  await experiments.pause('try', 3);
  await expect(experiments.decide('try', 'merged', 'better', 4)).rejects.toThrow('later');
  expect(asked.map(({ method, url, headers }) => [method, url.pathname, headers.get('if-match')])).toEqual([
    ['PUT', '/v1/experiments/try', '"0"'],
    ['POST', '/v1/experiments/try/pause', '"3"'],
    ['POST', '/v1/experiments/try/decide', '"4"'],
  ]);
  expect(JSON.parse(new TextDecoder().decode(asked[2]?.body))).toEqual({ arm: 'merged', reason: 'better' });
});

test('evaluate() may be repeated while the service is busy', async () => {
  const { asked, options } = fakeService([
    () => refusal(503, 'unavailable', 'later'),
    () => json({ action: 'hold', reason: 'Too few units.', experiment: view }),
  ]);
  const evaluated = await new TrunklineClient(options).experiments.evaluate('try');
  expect(evaluated.action).toBe('hold');
  expect(asked.length).toBe(2);
});
