import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCredentials } from '../../../../gpu-runner/cli/config.ts';
import { FakeControl, Home } from '../runCli.ts';

const key = `tl_${'0'.repeat(16)}_${'a'.repeat(64)}`;
let home: Home;
let control: FakeControl;
let status = 200;

beforeEach(async () => {
  status = 200;
  home = await Home.make();
  control = await FakeControl.start(() =>
    status === 200
      ? { json: { endpoints: [], next: null } }
      : {
          status,
          json: { error: { code: status === 401 ? 'unauthenticated' : 'forbidden', message: 'No.' } },
        },
  );
});
afterEach(async () => {
  await control.stop();
  await home.remove();
});

const credentials = () => readCredentials({ XDG_CONFIG_HOME: home.folder });
const local = (...args: string[]) => ['login', '--url', control.url, ...args];

test('login keeps service and key, however the key came, and never shows it', async () => {
  const ways = [
    home.run(local(), { TRUNKLINE_KEY: key }),
    home.run(local(), {}, { askSecret: () => Promise.resolve(key) }),
    home.run(local('--json'), {}, { readInput: () => Promise.resolve(`${key}\n`) }),
  ];
  for (const way of ways) {
    const { status: code, out, err } = await way;
    expect(code, err).toBe(0);
    expect(out + err).not.toContain(key);
    expect(await credentials()).toEqual({ url: control.url, edgeUrl: 'http://127.0.0.1:8788', key });
  }
  expect(control.requests[0]?.authorization).toBe(`Bearer ${key}`);
});

test('login keeps a key that may read nothing, and says so', async () => {
  status = 403;
  const { status: code, out } = await home.run(local(), { TRUNKLINE_KEY: key });
  expect(code).toBe(0);
  expect(out).toContain('lacks the scope read');
});

test('login keeps no key that the service does not know, and none that is not one', async () => {
  status = 401;
  const unknown = await home.run(local(), { TRUNKLINE_KEY: key });
  expect([unknown.status, unknown.err]).toEqual([
    1,
    expect.stringContaining('Next: ask an operator for a key'),
  ]);
  const malformed = await home.run(local(), { TRUNKLINE_KEY: 'hunter2' });
  expect(malformed.status).toBe(2);
  expect(malformed.err).toContain('does not have the form of an API key');
  expect(malformed.err).not.toContain('hunter2');
  expect((await home.run(local())).status).toBe(2);
  expect(await credentials()).toBeNull();
});

test('logout forgets', async () => {
  await home.run(local(), { TRUNKLINE_KEY: key });
  expect((await home.run(['logout'])).out).toBe('Logged out.');
  expect(await credentials()).toBeNull();
  expect(JSON.parse((await home.run(['logout', '--json'])).out)).toEqual({ forgotten: false });
});
