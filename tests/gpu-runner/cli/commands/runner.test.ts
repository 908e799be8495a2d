import { expect, test } from 'vitest';
import { FakeControl, Home } from '../runCli.ts';
import { withService } from './remote.ts';

const service = withService();

test('runner --until-idle asks for a job with the key it was given, and ends when there is none', async () => {
  const home = await Home.make();
  const control = await FakeControl.start(() => ({ status: 204 }));
  const env = {
    TRUNKLINE_URL: control.url,
    TRUNKLINE_KEY: 'tl_runner',
    TRUNKLINE_RUNNER_FOLDER: home.path('runner'),
    TRUNKLINE_RUNNER_HEALTH: 'off',
    TRUNKLINE_RUNNER_NAME: 'here',
  };
  const { status, err } = await home.run(['runner', '--until-idle'], env);
  expect(status, err).toBe(0);
  expect(err).toContain(`Runner here asks ${control.url} for jobs.`);
  expect(control.requests.map(({ method, path, authorization }) => [method, path, authorization])).toEqual([
    ['POST', '/v1/runner/claim', 'Bearer tl_runner'],
  ]);
  await control.stop();
  await home.remove();
});

test('runner says which variable is missing or wrong, and which there are', async () => {
  const home = await Home.make();
  const wrong = await home.run(['runner'], {
    TRUNKLINE_URL: 'http://127.0.0.1:1',
    TRUNKLINE_RUNNER_CACHE: 'much',
  });
  expect(wrong.status).toBe(1);
  expect(wrong.err).toMatch(/^Cannot run: .*TRUNKLINE_KEY/);
  expect(wrong.err).toContain('TRUNKLINE_RUNNER_CACHE');
  const { out } = await home.run(['runner', '--environment']);
  expect(out).toMatch(/^TRUNKLINE_KEY +an API key with the scope runner$/m);
  await home.remove();
});

test('runner gives a kept key to no other service', async () => {
  service.answer({ 'GET /v1/endpoints': { endpoints: [], next: null } });
  const home = await Home.make();
  const key = `tl_${'0'.repeat(16)}_${'a'.repeat(64)}`;
  const login = await home.run(['login', '--url', service.url()], { TRUNKLINE_KEY: key });
  expect(login.status, login.err).toBe(0);
  const { status, err } = await home.run(['runner', '--url', 'http://127.0.0.1:1', '--until-idle']);
  expect(status).toBe(1);
  expect(err).toContain('TRUNKLINE_KEY');
  await home.remove();
});
