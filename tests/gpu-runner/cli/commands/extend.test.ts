import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readModelFile, writeModelFile } from '../../../../gpu-runner/onnx/files.ts';
import { readBundle } from '../../../../gpu-runner/bundle/readBundle.ts';
import { report as reportSchema } from '../../../../shared/report.ts';
import { Home } from '../runCli.ts';
import { tinyRecipe, writeTinyMerge } from '../tinyMerge.ts';

let home: Home;
beforeAll(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
  const zipped = await home.run(['zip', ...pair(), ...tinyRecipe, '--out', home.path('two')]);
  expect(zipped.status, zipped.err).toBe(0);
});
afterAll(() => home.remove());

/** A task's network and data: those of one of the two that are there. */
const given = (task: string, like = task) => [
  ...['--net', `${task}=${home.path(`${like}.onnx`)}`, '--data', `${task}=${home.path(`${like}.json`)}`],
];
const pair = () => [...given('digit'), ...given('fashion')];

test('extend adds a task to a bundle, by its own recipe where nothing else is said', async () => {
  const args = [...given('letter', 'digit'), ...given('fashion'), ...given('digit')];
  const ran = await home.run(['extend', home.path('two'), ...args, '--out', home.path('three')]);
  expect(ran.status, ran.err).toBe(0);
  expect(ran.out).toContain(`Next: trunkline serve ${home.path('three')}`);
  const [two, three] = [await readBundle(home.path('two')), await readBundle(home.path('three'))];
  expect(three.manifest.heads.map(({ task }) => task)).toEqual(['digit', 'fashion', 'letter']);
  expect(three.manifest.recipe).toEqual(two.manifest.recipe);
  expect(three.manifest.lineage.retrainingSteps).toBe(2 * two.manifest.lineage.retrainingSteps);
  const report = reportSchema.parse(JSON.parse(await readFile(home.path('three', 'report.json'), 'utf8')));
  expect(report.notes[0]).toContain(`"letter" was added to bundle ${two.id.slice(0, 12)} of digit, fashion`);
  expect(ran.out).toContain(report.notes[0]);
  expect(existsSync(home.path('three.checkpoint'))).toBe(false);
});

test('extend of a bundle whose budget shared nothing shares nothing with the new task either', async () => {
  // A network whose hidden channels are unlike the others': sharing any of them costs something.
  const unlike = readModelFile(home.path('fashion.onnx'));
  const weight = unlike.initializers.get('tap.weight');
  if (weight?.dtype !== 'float32') throw new Error('there are weights');
  const data = weight.data.map((value, index) => Math.cos(9 * value + index));
  unlike.initializers.set('tap.weight', { ...weight, data });
  writeModelFile(home.path('unlike.onnx'), unlike);
  const two = [
    ...['--net', `digit=${home.path('digit.onnx')}`, '--data', `digit=${home.path('digit.json')}`],
    ...['--net', `fashion=${home.path('unlike.onnx')}`, '--data', `fashion=${home.path('fashion.json')}`],
  ];
  const budget = ['--max-parameters', '1', '--out', home.path('apart')];
  const zipped = await home.run(['zip', ...two, ...tinyRecipe.slice(0, 6), ...budget]);
  expect(zipped.status, zipped.err).toBe(0);
  const args = [...two, ...given('letter', 'digit'), '--out', home.path('apart-3')];
  const ran = await home.run(['extend', home.path('apart'), ...args]);
  expect(ran.status, ran.err).toBe(0);
  const [apart, three] = [await readBundle(home.path('apart')), await readBundle(home.path('apart-3'))];
  expect([apart, three].map(({ manifest }) => manifest.sharing)).toEqual([[], []]);
  expect(three.manifest.recipe?.share).toEqual({ share: 1 });
});

test('extend that is stopped goes on with --resume, and of no other bundle', async () => {
  const stop = new AbortController();
  const args = [
    'extend',
    home.path('two'),
    ...pair(),
    ...given('letter', 'fashion'),
    '--out',
    home.path('more'),
  ];
  const complain = (text: string): void => {
    if (text.includes('accuracy')) stop.abort();
  };
  const stopped = await home.run(args, {}, { signal: stop.signal, complain });
  expect(stopped.status).toBe(130);
  const other = await home.run(['zip', ...pair(), ...tinyRecipe, '--seed', '2', '--out', home.path('other')]);
  expect(other.status, other.err).toBe(0);
  const wrong = await home.run(['extend', home.path('other'), ...args.slice(2), '--resume']);
  expect([wrong.status, wrong.err]).toEqual([1, expect.stringContaining('Cannot go on')]);
  const resumed = await home.run([...args, '--resume', '--json']);
  expect(resumed.status, resumed.err).toBe(0);
});

test('extend says which networks are missing, and refuses what does not fit', async () => {
  const digest = createHash('sha256')
    .update(await readFile(home.path('fashion.onnx')))
    .digest('hex');
  const half = await home.run([
    ...['zip', ...pair(), ...tinyRecipe, '--storage', 'float16', '--out', home.path('half')],
  ]);
  expect(half.status, half.err).toBe(0);
  const all = [...pair(), ...given('letter', 'digit')];
  const wrong: [string[], number, string][] = [
    [
      ['two', ...given('digit'), ...given('letter', 'digit')],
      1,
      `these networks of the bundle are missing:\n  fashion: "fashion", SHA-256 ${digest}\nNext: --net fashion=<file.onnx>`,
    ],
    [['two', ...pair()], 2, 'name the network that is to be added'],
    [['two', ...all, ...given('sign', 'digit')], 2, 'Cannot extend by letter and sign at once'],
    [
      ['two', ...given('digit'), ...given('fashion', 'digit'), ...given('letter', 'digit')],
      1,
      `the bundle was merged from "fashion" with ${digest}\nNext: --net fashion=<the file with that digest>`,
    ],
    [['two', ...all, '--max-macs', '0.5'], 1, 'Cannot add "letter" under a budget of macs'],
    [['half', ...all], 1, 'its weights are stored as float16, rounded after they were trained'],
    [['nowhere', ...all], 1, 'manifest.json is missing'],
  ];
  for (const [[folder = '', ...args], status, why] of wrong) {
    const ran = await home.run(['extend', home.path(folder), ...args, '--out', home.path('no')]);
    expect([ran.status, ran.err]).toEqual([status, expect.stringContaining(why)]);
  }
  const there = await home.run(['extend', home.path('two'), ...all, '--out', home.path('two')]);
  expect(there.err).toContain('it exists\nNext: another folder with --out');
});
