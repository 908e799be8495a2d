import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { zippedBundle, labels } from '../../../flows/edge-bundles.ts';
import { EdgeOnNode } from '../../../flows/edge-node.ts';
import { reference, samples } from '../../../flows/edge-requests.ts';
import { Home } from '../runCli.ts';

let edge: EdgeOnNode;
let home: Home;
let url: string;
const rows = (count: number): number[][] =>
  Array.from({ length: count }, (_, row) => Array.from(samples(count).slice(row * 4, row * 4 + 4)));

beforeAll(async () => {
  home = await Home.make();
  edge = await EdgeOnNode.start();
  const bundle = zippedBundle();
  await edge.putBundle(bundle);
  await edge.putRouting('pair', 1, { digit: bundle, fashion: bundle });
  url = new URL((await edge.fetch('/v2/health/live')).url).origin;
  await writeFile(home.path('two.json'), JSON.stringify(rows(2)));
  await writeFile(home.path('one.json'), JSON.stringify(rows(1)[0]));
});
afterAll(async () => {
  await edge.stop();
  await home.remove();
});

const infer = (...args: string[]) =>
  home.run(['infer', 'pair', ...args, '--edge-url', url], {
    TRUNKLINE_KEY: edge.headers.authorization?.slice('Bearer '.length) ?? '',
  });

test('infer names the best class of each task and sample', async () => {
  const { status, out, err } = await infer(home.path('two.json'));
  expect(status, err).toBe(0);
  const scores = (await reference('digit', samples(2))).slice(3);
  const best = labels.digit[scores.indexOf(Math.max(...scores))] ?? '';
  expect(out).toMatch(
    new RegExp(`^two\\.json\\[1\\] +digit +${best} +${Math.max(...scores).toFixed(4)}$`, 'm'),
  );
  expect(out.split('\n')).toHaveLength(2 + 2 * 2);
});

test('infer --classes 0 answers numbers, and --json what came', async () => {
  const { out } = await infer(home.path('one.json'), '--classes', '0', '--tasks', 'digit', '--json');
  const { outputs } = JSON.parse(out) as { outputs: { digit: { shape: number[]; data: number[] } } };
  expect(Object.keys(outputs)).toEqual(['digit']);
  expect(outputs.digit.shape).toEqual([1, 3]);
  const expected = await reference('digit', samples(1));
  for (const [i, value] of expected.entries()) expect(outputs.digit.data[i]).toBeCloseTo(value, 4);
});

test('infer says what does not fit', async () => {
  await writeFile(home.path('wide.json'), '[[1, 2, 3]]');
  expect((await infer(home.path('wide.json'))).err).toContain(
    'wide.json: it has shape [1, 3], the model reads [-1, 4]',
  );
  expect((await infer(home.path('one.json'), home.path('two.json'))).err).toContain(
    'only images can be asked about together',
  );
  expect((await infer(home.path('none.png'))).err).toContain(
    'the model reads [-1, 4], say how with --preprocessing',
  );
  const unknown = await home.run(['infer', 'nobody', home.path('one.json'), '--edge-url', url]);
  expect([unknown.status, unknown.err]).toEqual([1, expect.stringContaining('answered 401')]);
});
