import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeBundle } from '../../../../gpu-runner/bundle/writeBundle.ts';
import { generateKey } from '../../../../shared/keys.ts';
import { zippedBundle } from '../../../flows/edge-bundles.ts';
import { Home } from '../runCli.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
  await writeBundle(home.path('bundle'), zippedBundle());
});
afterEach(() => home.remove());

/** Serves until `act` has asked; answers what `act` saw and how serving ended. */
async function serving<T>(
  args: string[],
  env: Record<string, string>,
  act: (url: string, told: string) => Promise<T>,
) {
  const stop = new AbortController();
  let tell: (text: string) => void = () => undefined;
  const told = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const ended = home.run(['serve', home.path('bundle'), '--port', '0', '--json', ...args], env, {
    signal: stop.signal,
    print: tell,
  });
  void ended.then(({ err }) => tell(err));
  const text = await told;
  const { url } = JSON.parse(text) as { url: string };
  const seen = await act(url, text);
  stop.abort();
  return { seen, ended: await ended };
}

test('serve answers as the edge does until it is stopped, without a key on this machine', async () => {
  const { seen, ended } = await serving(['--endpoint-name', 'shop'], {}, async (url) => {
    const reply = await fetch(`${url}/v2/models/shop`);
    return { status: reply.status, model: (await reply.json()) as { outputs: { name: string }[] } };
  });
  expect(seen.status).toBe(200);
  expect(seen.model.outputs.map(({ name }) => name)).toEqual(['digit', 'fashion']);
  expect(ended.status).toBe(0);
});

test('serve asks for the key it was given', async () => {
  const { key } = generateKey();
  const { seen } = await serving([], { TRUNKLINE_SERVE_KEY: key }, async (url) => [
    (await fetch(`${url}/v2/models/bundle`)).status,
    (await fetch(`${url}/v2/models/bundle`, { headers: { 'x-api-key': key } })).status,
  ]);
  expect(seen).toEqual([401, 200]);
});

test('serve makes a key of its own when others than this machine can ask', async () => {
  const { seen } = await serving(['--host', '0.0.0.0'], {}, async (url, told) => {
    const { key } = JSON.parse(told) as { key: string };
    const asked = (headers: Record<string, string>) => fetch(`${url}/v2/models/bundle`, { headers });
    return [(await asked({})).status, (await asked({ 'x-api-key': key })).status];
  });
  expect(seen).toEqual([401, 200]);
});

test.each([
  [['serve', 'nowhere'], 1, 'manifest.json is missing'],
  [['serve', 'x', '--port', '70000'], 2, 'It should be a whole number from 0 to 65535.'],
  [['serve', 'x', '--endpoint-name', 'No Name'], 2, '"No Name" is no name for an endpoint'],
  [['serve', 'x', '--provider', 'tpu'], 2, 'Allowed choices are cpu, cuda, webgpu'],
  [['serve'], 2, "missing required argument 'bundle'"],
])('trunkline %j is refused with status %i', async (args, code, why) => {
  const { status, err } = await home.run(args);
  expect([status, err]).toEqual([code, expect.stringContaining(why)]);
});
