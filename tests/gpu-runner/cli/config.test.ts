import { chmod, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  credentialsFile,
  edgeAccess,
  forgetCredentials,
  readCredentials,
  remoteAccess,
  writeCredentials,
} from '../../../gpu-runner/cli/config.ts';
import { Home } from './runCli.ts';

let home: Home;
let env: Record<string, string>;
const kept = { url: 'https://control.test', edgeUrl: 'https://edge.test', key: 'tl_kept' };

beforeEach(async () => {
  home = await Home.make();
  env = { XDG_CONFIG_HOME: home.folder };
});
afterEach(() => home.remove());

test('credentials are kept for their owner alone, also where the file was there before', async () => {
  expect(await readCredentials(env)).toBeNull();
  await writeCredentials(env, kept);
  await chmod(credentialsFile(env), 0o644);
  await writeCredentials(env, kept);
  expect((await stat(credentialsFile(env))).mode & 0o777).toBe(0o600);
  expect(await readCredentials(env)).toEqual(kept);
  expect(await forgetCredentials(env)).toBe(true);
  expect(await forgetCredentials(env)).toBe(false);
});

test.runIf(process.platform !== 'win32')('credentials that others can read are refused', async () => {
  await writeCredentials(env, kept);
  await chmod(credentialsFile(env), 0o640);
  await expect(readCredentials(env)).rejects.toMatchObject({
    message: expect.stringMatching(/others can read it \(mode 640\)$/) as string,
    next: `chmod 600 ${credentialsFile(env)}`,
  });
});

test('credentials that cannot be read are refused without what they hold', async () => {
  await writeCredentials(env, kept);
  for (const text of ['{"key": "tl_secret', '{"url":"x","key":"tl_secret"}']) {
    await writeFile(credentialsFile(env), text);
    const refused = readCredentials(env);
    await expect(refused).rejects.toThrow(/^Cannot use .*credentials\.json: /);
    await expect(refused).rejects.not.toThrow(/tl_secret/);
  }
});

test('the environment wins over a login, an option over both', async () => {
  await writeCredentials(env, kept);
  expect(await remoteAccess(env, {})).toEqual({ url: kept.url, key: kept.key });
  const set = { ...env, TRUNKLINE_URL: 'https://other.test', TRUNKLINE_KEY: 'tl_env' };
  expect(await remoteAccess(set, {})).toEqual({ url: 'https://other.test', key: 'tl_env' });
  expect(await remoteAccess(set, { url: 'http://option.test' })).toEqual({
    url: 'http://option.test',
    key: 'tl_env',
  });
});

test('a kept key goes to the service it was kept for and to no other', async () => {
  await writeCredentials(env, kept);
  await expect(remoteAccess(env, { url: 'https://elsewhere.test' })).rejects.toMatchObject({
    next: 'trunkline login --url https://elsewhere.test',
  });
  expect(await edgeAccess(env, {})).toEqual({ url: kept.edgeUrl, key: kept.key });
  expect(await edgeAccess(env, { edgeUrl: 'http://127.0.0.1:9' })).toEqual({
    url: 'http://127.0.0.1:9',
    key: undefined,
  });
});

test('what is no URL of the web is refused', async () => {
  await expect(remoteAccess(env, { url: 'file:///etc/passwd' })).rejects.toThrow(
    '"file:///etc/passwd" is not a URL',
  );
});
