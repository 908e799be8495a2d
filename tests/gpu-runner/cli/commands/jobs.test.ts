import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { eventStream, finished, jobId, mergeJob, progressEvent, stateEvent } from '../views.ts';
import { withService } from './remote.ts';

const service = withService();
const merge = [
  'merge',
  'merged',
  '--source',
  'digit=digit@champion,digits',
  '--source',
  'letter=letter,letters@2',
];

const succeeding = {
  'POST /v1/merges': mergeJob(),
  [`GET /v1/jobs/${jobId}/events`]: eventStream([
    stateEvent(1, 'queued'),
    stateEvent(2, 'leased'),
    progressEvent(3, 5),
    stateEvent(4, 'succeeded'),
  ]),
  [`GET /v1/jobs/${jobId}`]: mergeJob({ state: 'succeeded', result: finished }),
};

test('merge asks, watches and tells what came of it', async () => {
  service.answer(succeeding);
  const drawn: string[] = [];
  const terminal = { write: (text: string) => void drawn.push(text), columns: () => 200 };
  const { status, out, err } = await service.run(
    [
      ...merge,
      '--share',
      '0.5',
      '--steps-per-layer',
      '7',
      '--endpoint',
      'shop',
      '--tasks',
      'digit',
      '--publish',
    ],
    { terminal },
  );
  expect([status, out]).toEqual([0, 'Done: bundle merged@1, served by shop since its revision 4']);
  expect(err).toContain(`Job ${jobId}`);
  expect(err).toContain('Runner gpu-1 works on it');
  expect(drawn.join('')).toContain('layer 1 of 3, conv1: retrain 5/10, loss digit 0.500, 1 min 1 s left');
  const request = service.last('POST');
  expect(request?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
  expect(JSON.parse(String(request?.body))).toMatchObject({
    name: 'merged',
    sources: [
      { task: 'digit', model: 'digit@champion', data: 'digits' },
      { task: 'letter', model: 'letter', data: 'letters@2' },
    ],
    recipe: { wiring: 'one-way', share: { share: 0.5 }, retraining: { stepsPerLayer: 7, finalSteps: 540 } },
    endpoint: { name: 'shop', tasks: ['digit'] },
    publish: true,
  });
});

test('merge --json gives nothing but the job on the output', async () => {
  service.answer(succeeding);
  const { out } = await service.run([...merge, '--json']);
  expect(JSON.parse(out)).toMatchObject({ id: jobId, state: 'succeeded', result: finished });
});

test('merge takes a recipe file, and options win over it', async () => {
  service.answer({ 'POST /v1/merges': mergeJob() });
  const recipe = { wiring: 'crossed', share: { conv1: { count: 3 } }, seed: 9 };
  const retraining = { stepsPerLayer: 1, finalSteps: 2, batchSize: 8, learningRate: 0.1 };
  await writeFile(service.path('recipe.json'), JSON.stringify({ ...recipe, retraining }));
  const { out } = await service.run([
    ...[...merge, '--recipe', service.path('recipe.json'), '--final-steps', '5', '--detach'],
  ]);
  expect(out).toContain(`Next: trunkline watch ${jobId}`);
  expect(JSON.parse(String(service.last('POST')?.body))).toMatchObject({
    recipe: { ...recipe, retraining: { ...retraining, finalSteps: 5 } },
  });
  await writeFile(service.path('recipe.json'), '{"wiring": "sideways"}');
  const wrong = await service.run([...merge, '--recipe', service.path('recipe.json')]);
  expect(wrong.status).toBe(1);
  expect(wrong.err).toMatch(/^Cannot use .*recipe\.json as a recipe: .*wiring/);
});

test('watch fails with the reason of a job that failed', async () => {
  service.answer({
    [`GET /v1/jobs/${jobId}/events`]: eventStream([stateEvent(1, 'failed', 'No memory')]),
    [`GET /v1/jobs/${jobId}`]: mergeJob({ state: 'failed', reason: 'No memory' }),
  });
  const { status, err, out } = await service.run(['watch', jobId]);
  expect([status, out]).toEqual([1, '']);
  expect(err).toBe(`Job ${jobId} failed: No memory\nNext: trunkline retry ${jobId}`);
});

test('Ctrl-C leaves the job running and says how to come back', async () => {
  const stop = new AbortController();
  service.answer({
    [`GET /v1/jobs/${jobId}/events`]: () => {
      setTimeout(() => stop.abort(), 20);
      return eventStream([stateEvent(1, 'queued')]);
    },
  });
  const { status, err } = await service.run(['watch', jobId], { signal: stop.signal });
  expect(status).toBe(130);
  expect(err).toContain(`The job goes on. Next: trunkline watch ${jobId}, or trunkline cancel ${jobId}`);
});

test('jobs lists, cancel and retry act', async () => {
  service.answer({
    'GET /v1/jobs?state=queued&kind=merge': { jobs: [mergeJob()], next: 7 },
    'POST /v1/jobs/abc/cancel': mergeJob({ state: 'cancelled', reason: 'Asked by key1' }),
    'POST /v1/jobs/abc/retry': mergeJob(),
  });
  const { out } = await service.run(['jobs', '--state', 'queued', '--kind', 'merge', '--limit', '1']);
  expect(out).toMatch(new RegExp(`^${jobId} +merge +merged +queued`, 'm'));
  expect((await service.run(['cancel', 'abc'])).out).toMatch(/state +cancelled/);
  expect((await service.run(['retry', 'abc'])).out).toContain(`Next: trunkline watch ${jobId}`);
  service.answer({ [`GET /v1/jobs/${jobId}`]: mergeJob({ progress: progressEvent(1, 2).data as never }) });
  expect((await service.run(['show', 'jobs', jobId])).out).toMatch(
    /progress +layer 1 of 3, conv1: retrain 2\/10/,
  );
});

test.each([
  [['merge', 'a'], "required option '--source <task=model,data>' not specified"],
  [['merge', 'a', '--source', 'digit=model'], 'It should be task=model,data'],
  [[...merge, '--priority', '10'], 'It should be a whole number from 0 to 9.'],
  [[...merge, '--share', 'half'], '"half" is no number from 0 to 1'],
])('trunkline %j is a wrong command line', async (args, why) => {
  const { status, err } = await service.run(args);
  expect([status, err]).toEqual([2, expect.stringContaining(why)]);
});
