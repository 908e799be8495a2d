import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assign } from '../../shared/bucketing.ts';
import { hashUnit, type Exposure } from '../../shared/exposure.ts';
import { addCounts, totalOf } from '../../shared/latency-histogram.ts';
import { routedExperiment, type RoutedExperiment } from '../../shared/routing.ts';
import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { damagedBundle, oversizedBundle, separateBundle, taskNames, zippedBundle } from './edge-bundles.ts';
import { answered, largestDifference, question, reference, samples, steps } from './edge-requests.ts';
import { EdgeWorker } from './edge-worker.ts';

let edge: EdgeWorker;
const zipped = zippedBundle();
const separate = { digit: separateBundle('digit'), fashion: separateBundle('fashion') };
const damaged = damagedBundle();
const oversized = oversizedBundle();

const idsOf = (bundles: Record<string, Bundle>): Record<string, string> =>
  Object.fromEntries(Object.entries(bundles).map(([task, { id }]) => [task, id]));
const both = (bundle: Bundle): Record<string, string> => idsOf({ digit: bundle, fashion: bundle });

/** Merged against separate, half and half, by the header `x-unit`. */
const experimentOf = (change: Partial<RoutedExperiment> = {}): RoutedExperiment =>
  routedExperiment.parse({
    experiment: 'merged-or-not',
    revision: 2,
    phase: 3,
    unit: { from: 'header', name: 'x-unit' },
    layer: null,
    coverage: 1,
    arms: [
      { name: 'separate', weight: 5000, tasks: idsOf(separate) },
      { name: 'merged', weight: 5000, tasks: both(zipped) },
    ],
    defaultArm: 'separate',
    shadow: null,
    ...change,
  } satisfies RoutedExperiment);
const unitsOf = (arm: string, experiment: RoutedExperiment, count: number): string[] =>
  Array.from({ length: 1000 }, (_, i) => `unit-${i}`)
    .filter((unit) => assign(experiment, unit).arm.name === arm)
    .slice(0, count);

const publish = (endpoint: string, ...experiments: RoutedExperiment[]): Promise<void> =>
  edge.putRouting(endpoint, 4, separate, experiments);
const said = (response: Response) => ({
  arm: response.headers.get('x-arm'),
  experiment: response.headers.get('x-experiment'),
});
const idOf = (response: Response): string => response.headers.get('x-request-id') ?? '';
async function exposureOf(response: Response): Promise<Exposure> {
  const [exposure] = await edge.exposures([idOf(response)]);
  if (!exposure) throw new Error('exposures() gives one for each id');
  return exposure;
}

beforeAll(async () => {
  edge = await EdgeWorker.start();
  for (const bundle of [zipped, separate.digit, separate.fashion, damaged]) await edge.putBundle(bundle);
  await edge.putManifest(oversized.id, oversized.manifestBytes);
});
afterAll(() => edge.stop());

describe('an experiment', () => {
  test('serves each unit by its arm, with the same answers, and tells about every request once', async () => {
    const experiment = experimentOf();
    await publish('split', experiment);
    const inputs = samples(2);
    const expected = { digit: await reference('digit', inputs), fashion: await reference('fashion', inputs) };
    const units = [...unitsOf('separate', experiment, 3), ...unitsOf('merged', experiment, 3)];
    const responses: Response[] = [];
    for (const unit of [...units, ...units]) {
      const response = await edge.ask('split', question(inputs), { 'x-unit': unit });
      responses.push(response);
      const { outputs } = await answered(response.clone());
      expect(said(response)).toEqual({
        arm: assign(experiment, unit).arm.name,
        experiment: 'merged-or-not',
      });
      for (const task of taskNames) {
        const output = outputs.find(({ name }) => name === task);
        expect(largestDifference(output?.data ?? [], expected[task])).toBeLessThan(1e-5);
      }
    }
    const ran = responses.map((response) => steps(response).filter((step) => !step.startsWith('load')));
    expect(ran.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => ['head-digit', 'head-fashion']));
    expect(ran.slice(3, 6)).toEqual(Array.from({ length: 3 }, () => ['trunk', 'head-digit', 'head-fashion']));

    const exposures = await edge.exposures(responses.map(idOf));
    const largest = (scores: number[], width: number): number[] =>
      [0, 1].map((row) => {
        const own = scores.slice(row * width, (row + 1) * width);
        return own.indexOf(Math.max(...own));
      });
    for (const [i, exposure] of exposures.entries()) {
      const unit = units[i % units.length] ?? '';
      expect(exposure).toMatchObject({
        endpoint: 'split',
        revision: 4,
        assignment: {
          experiment: 'merged-or-not',
          revision: 2,
          phase: 3,
          arm: assign(experiment, unit).arm.name,
          reason: 'assigned',
          unit: await hashUnit('split', unit),
        },
        tasks: ['digit', 'fashion'],
        predicted: { digit: largest(expected.digit, 3), fashion: largest(expected.fashion, 5) },
        error: null,
        shadow: null,
      });
      expect(exposure.latencyMs.total).toBeGreaterThanOrEqual(exposure.latencyMs.heads);
    }
    const told = edge.batches.flat().map((one) => one.requestId);
    expect(new Set(told).size).toBe(told.length);
    // The first of each arm loaded its bundles, the others found them there.
    const sizeOf = ({ manifest }: Bundle): number =>
      manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    expect(exposures.slice(0, 6).map(({ cold, bytesLoaded }) => [cold, bytesLoaded])).toEqual([
      [true, sizeOf(separate.digit) + sizeOf(separate.fashion)],
      [false, 0],
      [false, 0],
      [true, sizeOf(zipped)],
      [false, 0],
      [false, 0],
    ]);
    expect(exposures[3]?.latencyMs.load).toBeGreaterThan(0);
  });

  test('sends exposures of requests that come together in one message', async () => {
    await publish('batch', experimentOf());
    const before = edge.batches.length;
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        edge.ask('batch', question(samples(1), 'digit'), { 'x-unit': `unit-${i}` }),
      ),
    );
    const exposures = await edge.exposures(responses.map(idOf));
    expect(exposures.map(({ tasks }) => tasks)).toEqual(exposures.map(() => ['digit']));
    expect(edge.batches.length - before).toBeLessThanOrEqual(3);
  });

  test('serves requests without a unit by default and counts them apart', async () => {
    await publish('nobody', experimentOf({ defaultArm: 'merged' }));
    const response = await edge.ask('nobody', question(samples(1)));
    expect(said(response)).toEqual({ arm: 'merged', experiment: 'merged-or-not' });
    expect((await exposureOf(response)).assignment).toMatchObject({ reason: 'no-unit', unit: null });
  });

  test('takes the unit from a parameter or a cookie where it says so', async () => {
    const experiment = experimentOf({ unit: { from: 'cookie', name: 'visit' } });
    await publish('cookie', experiment);
    const [unit = ''] = unitsOf('merged', experiment, 1);
    const response = await edge.ask('cookie', question(samples(1)), { cookie: `a=1; visit=${unit}` });
    expect(said(response).arm).toBe('merged');
    await publish('query', experimentOf({ unit: { from: 'query', name: 'visit' } }));
    const asked = await edge.fetch(`/v2/models/query/infer?visit=${unit}`, {
      method: 'POST',
      headers: edge.headers,
      body: JSON.stringify(question(samples(1))),
    });
    expect(said(asked).arm).toBe('merged');
    expect((await exposureOf(asked)).assignment).toMatchObject({ reason: 'assigned' });
  });

  test('is not there for an endpoint without one, whose requests are told about all the same', async () => {
    await publish('plain');
    const response = await edge.ask('plain', question(samples(1)), { 'x-request-id': 'my-own:1' });
    expect(said(response)).toEqual({ arm: null, experiment: null });
    expect(idOf(response)).toBe('my-own:1');
    expect(await exposureOf(response)).toMatchObject({ endpoint: 'plain', assignment: null, error: null });
  });

  test('is not needed for requests to be counted, refused ones and samples too', async () => {
    await publish('counted');
    await edge.ask('counted', question(samples(2)));
    await edge.ask('counted', { inputs: [] });
    const counts = await edge.counted('counted', 2);
    expect(counts.map(({ errors }) => errors)).toContainEqual({ invalid: 1 });
    // The two may have come in two minutes.
    expect(counts.reduce((sum, one) => sum + one.samples, 0)).toBe(2);
    expect(totalOf(addCounts(...counts.map(({ latency }) => latency)))).toBe(1);
  });

  test('gives a request an id of its own when the client sends none that can be one', async () => {
    for (const given of ['', 'with spaces', 'x'.repeat(129)]) {
      const response = await edge.ask('plain', question(samples(1)), { 'x-request-id': given });
      expect(idOf(response)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }
  });
});

describe('an arm of weight 0', () => {
  const arms = experimentOf().arms.map((arm) => ({ ...arm, weight: arm.name === 'merged' ? 0 : 10_000 }));

  test('is reached by its name, with a key that may read, and by nobody else', async () => {
    await publish('dark', experimentOf({ arms, shadow: { share: 1, arm: 'merged' } }));
    const address = { 'x-trunkline-arm': 'merged-or-not/merged' };
    const refused = await edge.ask('dark', question(samples(1)), address);
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('\\"read\\" is needed');

    const reader = { authorization: `Bearer ${await edge.putKey(['infer', 'read'])}` };
    const response = await edge.ask('dark', question(samples(1)), { ...reader, ...address, 'x-unit': 'me' });
    await answered(response.clone());
    expect(said(response)).toEqual({ arm: 'merged', experiment: 'merged-or-not' });
    const exposure = await exposureOf(response);
    expect(exposure.assignment).toMatchObject({ arm: 'merged', reason: 'addressed' });
    expect(exposure.shadow).toBe(null);

    const wrong = await edge.ask('dark', question(samples(1)), { ...reader, 'x-trunkline-arm': 'merged' });
    expect([wrong.status, await wrong.json()]).toEqual([
      404,
      {
        error: 'Unknown arm "merged": those running here are merged-or-not/separate, merged-or-not/merged',
      },
    ]);
  });
});

describe('a refused request', () => {
  test('is told with its reason, under the arm it was placed in', async () => {
    const experiment = experimentOf();
    await publish('wrong', experiment);
    const [unit = ''] = unitsOf('merged', experiment, 1);
    const response = await edge.ask('wrong', { inputs: [] }, { 'x-unit': unit });
    expect(response.status).toBe(400);
    expect(said(response)).toEqual({ arm: 'merged', experiment: 'merged-or-not' });
    expect(await exposureOf(response)).toMatchObject({
      assignment: { arm: 'merged', reason: 'assigned' },
      tasks: [],
      predicted: {},
      error: 'invalid',
    });
  });

  test('whose arm cannot be loaded counts against that arm, and the other arm goes on', async () => {
    const experiment = experimentOf({
      arms: [
        { name: 'separate', weight: 5000, tasks: idsOf(separate) },
        { name: 'gone', weight: 2500, tasks: { digit: 'e'.repeat(64), fashion: 'e'.repeat(64) } },
        { name: 'huge', weight: 2500, tasks: { ...idsOf(separate), digit: oversized.id } },
      ],
    });
    await publish('broken', experiment);
    for (const [arm, sentence] of [
      ['gone', 'its manifest is not in storage'],
      ['huge', '90.0 MiB of graphs and weights need'],
    ] as const) {
      const [unit = ''] = unitsOf(arm, experiment, 1);
      const response = await edge.ask('broken', question(samples(1)), { 'x-unit': unit });
      expect(response.status).toBe(503);
      expect(await response.clone().text()).toContain(sentence);
      expect(said(response).arm).toBe(arm);
      expect(await exposureOf(response)).toMatchObject({
        assignment: { arm, reason: 'assigned' },
        error: 'unavailable',
      });
    }
    const [unit = ''] = unitsOf('separate', experiment, 1);
    await answered(await edge.ask('broken', question(samples(1)), { 'x-unit': unit }));
  });
});

describe('a shadow', () => {
  const arms = [
    { name: 'separate', weight: 10_000, tasks: idsOf(separate) },
    { name: 'merged', weight: 0, tasks: both(zipped) },
    { name: 'damaged', weight: 0, tasks: both(damaged) },
    { name: 'gone', weight: 0, tasks: { digit: 'e'.repeat(64), fashion: 'e'.repeat(64) } },
  ];
  const shadowed = async (arm: string, inputs: Float32Array): Promise<Exposure> => {
    await publish(`shadow-${arm}`, experimentOf({ arms, shadow: { share: 1, arm } }));
    const response = await edge.ask(`shadow-${arm}`, question(inputs), { 'x-unit': 'ann' });
    const { outputs } = await answered(response.clone());
    const expected = await reference('digit', inputs);
    expect(largestDifference(outputs[0]?.data ?? [], expected)).toBeLessThan(1e-5);
    expect(said(response).arm).toBe('separate');
    return exposureOf(response);
  };

  test('of a bundle that computes the same agrees', async () => {
    const { shadow, assignment } = await shadowed('merged', samples(6));
    expect(assignment?.arm).toBe('separate');
    expect(shadow).toMatchObject({ arm: 'merged', error: null });
    expect(Object.keys(shadow?.tasks ?? {})).toEqual(['digit', 'fashion']);
    for (const agreement of Object.values(shadow?.tasks ?? {})) {
      expect(agreement).toMatchObject({ samples: 6, top1Matches: 6 });
      expect(agreement.maxDifference).toBeLessThan(1e-5);
      expect(agreement.kl).toBeLessThan(1e-6);
    }
  });

  test('of a damaged bundle disagrees where it is damaged', async () => {
    const { shadow } = await shadowed('damaged', samples(6));
    expect(shadow?.error).toBe(null);
    expect(shadow?.tasks.digit?.top1Matches).toBeLessThan(6);
    expect(shadow?.tasks.digit?.maxDifference).toBeGreaterThan(0.1);
    expect(shadow?.tasks.digit?.kl).toBeGreaterThan(0.01);
    expect(shadow?.tasks.fashion?.maxDifference).toBeLessThan(1e-5);
  });

  test('of a bundle that cannot be loaded is told, and the reply is as it was', async () => {
    const { shadow, error } = await shadowed('gone', samples(1));
    expect(error).toBe(null);
    expect(shadow).toEqual({
      arm: 'gone',
      totalMs: expect.any(Number) as number,
      bytesLoaded: 0,
      error: 'unavailable',
      tasks: {},
    });
  });

  test('goes on while other requests come and go, and none is lost', async () => {
    await publish('mixed', experimentOf({ arms, shadow: { share: 1, arm: 'merged' } }));
    const ids = Array.from({ length: 30 }, (_, i) => `mixed-${i}`);
    // Some come while others wait for their turn, some after the isolate was quiet for long enough.
    for (const [i, id] of ids.entries()) {
      await answered(await edge.ask('mixed', question(samples(1)), { 'x-request-id': id }));
      await new Promise((resolve) => setTimeout(resolve, (i * 37) % 90));
    }
    for (const { shadow } of await edge.exposures(ids)) expect(shadow).toMatchObject({ error: null });
  });

  test('runs for the stated share of requests', async () => {
    await publish('share', experimentOf({ arms, shadow: { share: 0.25, arm: 'merged' } }));
    const ids = Array.from({ length: 80 }, (_, i) => `share-${i}`);
    await Promise.all(ids.map((id) => edge.ask('share', question(samples(1)), { 'x-request-id': id })));
    const ran = (await edge.exposures(ids)).filter(({ shadow }) => shadow !== null);
    // Which ones is settled by their ids.
    expect(ran.length).toBeGreaterThan(10);
    expect(ran.length).toBeLessThan(32);
    expect(ran.map(({ shadow }) => shadow?.error)).toEqual(ran.map(() => null));
  });
});
