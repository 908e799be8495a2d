import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBundle } from '../../../../gpu-runner/bundle/readBundle.ts';
import { writeBundle } from '../../../../gpu-runner/bundle/writeBundle.ts';
import { readModelFile } from '../../../../gpu-runner/onnx/files.ts';
import { separateBundle, wholeNetwork, zippedBundle } from '../../../flows/edge-bundles.ts';
import { answerOf, largestGap, randomInput } from '../../mtz/nets.ts';
import { Home } from '../runCli.ts';

let home: Home;
beforeAll(async () => {
  home = await Home.make();
  await writeBundle(home.path('merged'), zippedBundle());
});
afterAll(() => home.remove());

test('unzip writes the network of a task, and the bundle without it', async () => {
  const out = home.path('nets', 'digit.onnx');
  const rest = home.path('rest');
  const ran = await home.run(['unzip', home.path('merged'), 'digit', '--out', out, '--rest', rest]);
  expect(ran.status, ran.err).toBe(0);
  expect(ran.out).toMatch(/digit\.onnx: \d.* weights stored as float32, at most \d\.\de/);
  expect(ran.out).toContain('answers  zero, one, two');
  const input = randomInput([6, 4], 3);
  const graph = readModelFile(out);
  expect(largestGap(await answerOf(graph, input), await answerOf(wholeNetwork('digit'), input))).toBeLessThan(
    1e-6,
  );
  const { manifest } = await readBundle(rest);
  expect([manifest.name, manifest.heads.map(({ task }) => task)]).toEqual(['rest', ['fashion']]);
  const inspected = await home.run(['inspect', out]);
  expect(inspected.out).toContain('reads          x: float32 [-1, 4]');
  await rm(rest, { recursive: true });
});

test('unzip answers programs too', async () => {
  const out = home.path('fashion.onnx');
  const ran = await home.run(['unzip', home.path('merged'), 'fashion', '--out', out, '--json']);
  expect(ran.status, ran.err).toBe(0);
  expect(JSON.parse(ran.out)).toMatchObject({ task: 'fashion', file: out, storage: 'float32', rest: null });
});

test('unzip refuses what is not there, what is there already, and the last task of a bundle', async () => {
  await writeBundle(home.path('alone'), separateBundle('digit'));
  const merged = home.path('merged');
  const wrong: [string[], number, string][] = [
    [['merged', 'smell'], 1, `Cannot take out "smell": the bundle's tasks are digit, fashion`],
    [
      ['alone', 'digit', '--rest', home.path('o')],
      1,
      'Cannot leave a bundle without "digit": it has no other',
    ],
    [
      ['merged', 'digit', '--rest', merged],
      1,
      `Cannot unzip into ${merged}: it exists\nNext: another path with --rest`,
    ],
    [['nowhere', 'digit'], 1, 'manifest.json is missing'],
    [['merged', 'digit', '--name', 'x'], 2, 'say where it goes with --rest'],
    [['merged', 'digit', '--rest', 'o', '--name', 'No Name'], 2, '"No Name" is no name for a bundle'],
  ];
  for (const [[folder = '', ...args], status, why] of wrong) {
    const ran = await home.run(['unzip', home.path(folder), ...args, '--out', home.path('no.onnx')]);
    expect([ran.status, ran.err]).toEqual([status, expect.stringContaining(why)]);
  }
  expect(existsSync(home.path('no.onnx'))).toBe(false);
  const there = await home.run(['unzip', merged, 'digit', '--out', merged]);
  expect(there.err).toContain('another path with --out');
});
