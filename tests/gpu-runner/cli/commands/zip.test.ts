import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBundle } from '../../../../gpu-runner/bundle/readBundle.ts';
import { writeModelFile } from '../../../../gpu-runner/onnx/files.ts';
import type { Manifest } from '../../../../shared/manifest.ts';
import { report as reportSchema, type Report } from '../../../../shared/report.ts';
import { closeCall, rightly } from '../../runner/closeCall.ts';
import { Home } from '../runCli.ts';
import { tinyRecipe, writeTinyMerge } from '../tinyMerge.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
});
afterEach(() => home.remove());

const sources = () => [
  ...['--net', `digit=${home.path('digit.onnx')}`, '--net', `fashion=${home.path('fashion.onnx')}`],
  ...['--data', `digit=${home.path('digit.json')}`, '--data', `fashion=${home.path('fashion.json')}`],
];
const zip = (...more: string[]) => [
  'zip',
  ...sources(),
  ...tinyRecipe,
  '--out',
  home.path('merged'),
  ...more,
];

test('zip makes a bundle folder and a report from networks and data', async () => {
  const { status, out, err } = await home.run(zip());
  expect(status, err).toBe(0);
  expect(out).toMatch(/^accuracy "digit", 2\d held-out samples +100\.00 %/m);
  expect(out).toContain(`Next: trunkline serve ${home.path('merged')}`);
  expect(err).toMatch(
    /^Plan: .* of the separate networks are left; predicted loss .*\n {2}tap {2}15 of 30 and 30 channels shared$/m,
  );
  expect(err.indexOf('Plan: ')).toBeLessThan(err.indexOf('layer 1 of'));
  expect(err).toMatch(/layer 1 of \d, tap: 15 channels shared/);
  const bundle = await readBundle(home.path('merged'));
  expect(bundle.manifest.name).toBe('merged');
  expect(bundle.manifest.heads.map(({ task, labels }) => [task, labels[0]])).toEqual([
    ['digit', 'digit-0'],
    ['fashion', 'fashion-0'],
  ]);
  expect(bundle.manifest.recipe).toMatchObject({ share: { share: 0.5 }, retraining: { batchSize: 8 } });
  const report = reportSchema.parse(JSON.parse(await readFile(home.path('merged', 'report.json'), 'utf8')));
  expect(report.tasks.map(({ task }) => task)).toEqual(['digit', 'fashion']);
  expect(existsSync(home.path('merged.checkpoint'))).toBe(false);
});

test('zip and plan keep Gram matrices to --gram-memory, and say which layers took fewer samples for it', async () => {
  const { status, out, err } = await home.run(zip('--gram-memory', '40KiB'));
  expect(status, err).toBe(0);
  const told =
    /^\w+ is measured by 15 of 73 samples: more would not fit into 40 KiB; its Gram matrices are factored/m;
  expect(out).toMatch(told);
  const plan = await home.run([...['plan', ...sources(), '--explain'], ...['--gram-memory', '40 KiB']]);
  expect(plan.out).toMatch(told);
  const roomy = await home.run(['plan', ...sources(), '--explain']);
  expect(roomy.out).not.toContain('samples');
  const wrong = await home.run(zip('--gram-memory', '4 gigabytes'));
  expect(wrong.status).toBe(2);
  expect(wrong.err).toContain('It should be bytes or a number of KiB, MiB, GiB or TiB, e.g. 4GiB.');
});

test('zip keeps to a heap, and to bytes of weights, and tells the plan that does before it begins', async () => {
  const heap = 15 * 2 ** 20 + 2000;
  const budgets: [string[], string][] = [
    [['--max-heap', String(heap)], 'Plan for at most 15.0 MiB of heap at the edge: '],
    [['--max-bytes', '1843', '--out', home.path('small')], 'Plan for at most 1.8 KiB of weights: '],
  ];
  for (const [more, told] of budgets) {
    const { status, out, err } = await home.run(zip('--share', '1', '--json', ...more));
    expect(status, err).toBe(0);
    expect(err).toContain(told);
    const { report } = JSON.parse(out) as { report: Report };
    const { parameters, heapBytes } = report.figures;
    const limit = told.includes('heap')
      ? (heapBytes?.zipped ?? NaN) - heap
      : 4 * (parameters?.zipped ?? NaN) - 1843;
    expect(limit).toBeLessThanOrEqual(0);
    const [group] = report.plan;
    expect(group?.blocks.some(({ tasks }) => tasks.length > 1)).toBe(true);
    expect(report.tradeoff?.chosen?.bytes).toBeLessThanOrEqual(report.tradeoff?.budgetBytes ?? 0);
  }
  const refused = await home.run([...zip('--share', '1', '--max-heap', '1MiB'), '--out', home.path('none')]);
  expect([refused.status, refused.err]).toEqual([
    1,
    expect.stringMatching(
      /Cannot keep to a heap of 1048576 bytes at the edge, weights stored as float32: sharing all that can be shared leaves 157\d{5}/,
    ),
  ]);
});

test('zip that is stopped goes on with --resume, and ends with the same bundle as one that was not', async () => {
  const stop = new AbortController();
  const stopped = await home.run(
    zip(),
    {},
    {
      signal: stop.signal,
      complain: (text) => {
        if (text.includes('accuracy')) stop.abort();
      },
    },
  );
  expect(stopped.status).toBe(130);
  expect(existsSync(home.path('merged'))).toBe(false);
  expect(existsSync(home.path('merged.checkpoint', 'checkpoint'))).toBe(true);
  const { createdAt } = JSON.parse(await readFile(home.path('merged.checkpoint', 'merge.json'), 'utf8')) as {
    createdAt: string;
  };
  const resumed = await home.run(zip('--resume', '--json'));
  expect(resumed.status, resumed.err).toBe(0);
  const { manifest } = await readBundle(home.path('merged'));
  const whole = await home.run([...zip('--json'), '--out', home.path('other'), '--name', 'merged']);
  expect(whole.status, whole.err).toBe(0);
  const other = await readBundle(home.path('other'));
  expect(manifest.createdAt).toBe(createdAt);
  // Only the moment it began differs, in the manifest and in its report.
  expect(timeless(manifest)).toEqual(timeless(other.manifest));
});

test('zip whose bundle cannot be written says that --resume finishes it, and then it does', async () => {
  const told: string[] = [];
  const complain = (text: string): void => {
    told.push(text);
    if (text.includes('accuracy')) mkdirSync(home.path('merged'), { recursive: true });
  };
  const failed = await home.run(zip(), {}, { complain });
  expect(failed.status).toBe(1);
  expect(told.slice(-2)).toEqual([
    'To go on: the same command with --resume',
    `Cannot write bundle ${home.path('merged')}: it exists`,
  ]);
  const inTheWay = await home.run(zip('--resume'));
  expect(inTheWay.err).toContain(`Cannot zip into ${home.path('merged')}: it exists`);
  await rmdir(home.path('merged'));
  const resumed = await home.run(zip('--resume'));
  expect(resumed.status, resumed.err).toBe(0);
  expect((await readBundle(home.path('merged'))).manifest.name).toBe('merged');
  expect(existsSync(home.path('merged.checkpoint'))).toBe(false);
});

test('zip that was killed after it wrote the bundle finishes cleanly with --resume', async () => {
  const whole = await home.run(zip('--json'));
  const { bundle, report } = JSON.parse(whole.out) as { bundle: string; report: { name: string } };
  const { createdAt } = (await readBundle(home.path('merged'))).manifest;
  // As the run would have left it.
  const of = await identityOf(zip('--out', home.path('other'), '--name', 'merged'));
  await mkdir(home.path('merged.checkpoint'));
  const leave = (id: string) =>
    writeFile(home.path('merged.checkpoint', 'merge.json'), JSON.stringify({ createdAt, of, bundle: id }));
  await leave('0'.repeat(64));
  const other = await home.run(zip('--resume'));
  expect([other.status, other.err]).toEqual([1, expect.stringContaining('it exists')]);
  await leave(bundle);
  const halved = await home.run(zip('--resume', '--storage', 'float16'));
  expect([halved.status, halved.err]).toEqual([
    1,
    expect.stringContaining('the interrupted run wrote the bundle as float32, not as float16'),
  ]);
  const finished = await home.run(zip('--resume', '--json'));
  expect(finished.status, finished.err).toBe(0);
  expect(finished.err).toContain('The interrupted run had written the bundle');
  expect(JSON.parse(finished.out)).toMatchObject({ bundle, report: { name: report.name } });
  expect(existsSync(home.path('merged.checkpoint'))).toBe(false);
});

/** What a merge calls itself in the folder of its checkpoints: stopped as soon as there is one. */
async function identityOf(args: readonly string[]): Promise<string> {
  const stop = new AbortController();
  const complain = (text: string): void => {
    if (text.includes('accuracy')) stop.abort();
  };
  await home.run(args, {}, { signal: stop.signal, complain });
  const about = home.path('other.checkpoint', 'merge.json');
  return (JSON.parse(await readFile(about, 'utf8')) as { of: string }).of;
}

test('zip names the checkpoint that it cannot go on from, and the way out', async () => {
  await identityOf(zip('--out', home.path('other')));
  await writeFile(home.path('other.checkpoint', 'checkpoint'), 'damaged');
  const refused = await home.run(zip('--out', home.path('other'), '--resume'));
  expect([refused.status, refused.err.split('\n').slice(-2)]).toEqual([
    1,
    [
      `Cannot resume: the checkpoint is not one of a zip (7 bytes) (${home.path('other.checkpoint')})`,
      `Next: delete ${home.path('other.checkpoint')} to begin anew`,
    ],
  ]);
});

test('zip says at once that nothing can be written where the bundle is to go', async () => {
  await writeFile(home.path('file'), '');
  const ran = await home.run(zip('--out', home.path('file', 'merged')));
  expect([ran.status, ran.err]).toEqual([
    1,
    expect.stringContaining(`no folder can be made in ${home.path('file')}: ENOTDIR`),
  ]);
});

test('zip that cannot store the bundle as asked keeps the merged network, and goes on as another type', async () => {
  // int8 is wrong about these in either layer.
  const net = closeCall(1, { uneven: true });
  const { size, labels, ...data } = await rightly(net, 400, 2, { uneven: true });
  const all = Uint32Array.from({ length: size }, (_, index) => index);
  const images = Buffer.alloc(12 + 4 * 4 * size);
  images.writeUInt32BE(0x0d02);
  images.writeUInt32BE(size, 4);
  images.writeUInt32BE(4, 8);
  for (const [index, value] of Array.from(data.inputs(all)).entries())
    images.writeFloatBE(value, 12 + 4 * index);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x0801);
  header.writeUInt32BE(size, 4);
  for (const task of ['digit', 'fashion']) {
    writeModelFile(home.path(`${task}.onnx`), net);
    await writeFile(home.path(`${task}.images`), images);
    await writeFile(home.path(`${task}.labels`), Buffer.concat([header, Uint8Array.from(labels)]));
    const description = {
      from: { images: `${task}.images`, labels: `${task}.labels` },
      preprocessing: null,
      split: { validation: 0.25 },
    };
    await writeFile(home.path(`${task}.json`), JSON.stringify(description));
  }
  const args = zip('--share', '1', '--learning-rate', '0.000000001', '--checkpoint-seconds', '0');
  const refused = await home.run([...args, '--storage', 'int8', '--max-storage-drop', '0']);
  expect(refused.status).toBe(1);
  const layerIsZipped = 'channels shared, second-order loss';
  expect(refused.err).toContain(layerIsZipped);
  expect(refused.err).toMatch(
    /Cannot quantise: "\w+" drops from .*; the merged network is kept in .*merged\.checkpoint\nNext: the same command with --resume and another --storage or a greater --max-storage-drop$/,
  );
  const resumed = await home.run([...args, '--storage', 'float16', '--resume']);
  expect(resumed.status, resumed.err).toBe(0);
  expect(resumed.err).toContain('Going on where the interrupted run was');
  expect(resumed.err).not.toContain(layerIsZipped);
  expect(resumed.out).toContain('Stored as float16');
  const { manifest } = await readBundle(home.path('merged'));
  expect([manifest.storage, manifest.lineage.retrainingSteps]).toEqual(['float16', 8]);
  expect(existsSync(home.path('merged.checkpoint'))).toBe(false);
});

const timeless = (manifest: Manifest) => ({
  ...manifest,
  createdAt: '',
  files: manifest.files.filter(({ path }) => !path.startsWith('report.')),
});

test('zip refuses what it cannot use before it begins', async () => {
  const wrong: [string[], number, string][] = [
    [
      ['zip', ...sources().slice(0, 6), '--out', home.path('o')],
      2,
      'Network "fashion" has no data: add --data fashion=',
    ],
    [['zip', ...sources(), '--data', 'smell=x', '--out', home.path('o')], 2, 'Data "smell" has no network'],
    [['zip', '--net', 'digit', '--data', 'a=b', '--out', 'o'], 2, 'It should be task=file'],
    [[...sources().slice(0, 4), 'x'], 2, 'unknown'],
    [
      zip('--max-macs', '0.5', '--max-parameters', '0.5'),
      2,
      'Give one budget, not --max-parameters and --max-macs',
    ],
    [zip('--net', `digit=${home.path('digit.onnx')}`), 2, 'Task "digit" is named twice.'],
    [zip('--name', 'No Name'), 2, '"No Name" is no name for a bundle'],
    [zip('--batch-size', '500'), 1, 'samples do not fill a batch of 500'],
  ];
  for (const [args, status, why] of wrong) {
    const ran = await home.run(args);
    expect([ran.status, ran.err]).toEqual([status, expect.stringContaining(why)]);
  }
  await mkdir(home.path('merged'));
  const there = await home.run(zip());
  expect([there.status, there.err]).toEqual([
    1,
    expect.stringContaining('it exists\nNext: another folder with --out'),
  ]);
});

test('plan says what a recipe would share: shapes alone, or with data what it is predicted to cost', async () => {
  const nets = sources().slice(0, 4);
  const shapes = await home.run(['plan', ...nets, '--share', '0.5', '--explain', '--json']);
  expect(shapes.status, shapes.err).toBe(0);
  expect(JSON.parse(shapes.out)).toMatchObject({
    wiring: 'one-way',
    loss: null,
    curve: [],
    groups: expect.arrayContaining([
      {
        ...{ group: 'tap', widths: { digit: 30, fashion: 30 }, shared: 15, reason: null, marginal: null },
        bytes: { separate: 2 * 4 * 30 * 5, merged: 1.5 * 4 * 30 * 5 },
      },
    ]) as unknown,
  });
  const table = await home.run(['plan', ...nets, '--share', '0.5', '--explain']);
  expect(table.out).toMatch(/^tap +30 +30 +15 +50\.00 % +1\.2 KiB +900 B$/m);
  expect(table.out).toContain('Add --data to see what sharing less would cost and save.');
  const costed = await home.run(['plan', ...sources(), '--explain', '--max-parameters', '0.9']);
  expect(costed.status, costed.err).toBe(0);
  expect(costed.out).toMatch(/Predicted loss: \d/);
  const budget = await home.run(['plan', ...nets, '--max-parameters', '0.9']);
  expect([budget.status, budget.err]).toEqual([
    1,
    expect.stringMatching(
      /Cannot plan for a budget of parameters without data: .*\nNext: add --data <task>=<path>/,
    ),
  ]);
});

test('inspect reads networks and data', async () => {
  const net = await home.run(['inspect', home.path('digit.onnx')]);
  expect(net.out).toContain('reads          x: float32 [-1, 4]');
  expect(net.out).toMatch(/operators +2 MatMul, 1 Relu/);
  const data = await home.run(['inspect', home.path('fashion.json'), '--json']);
  expect(JSON.parse(data.out)).toMatchObject({ kind: 'dataset', samples: 96, classes: 5, sampleDims: [4] });
  await writeFile(home.path('text.txt'), 'x');
  const wrong = await home.run(['inspect', home.path('text.txt')]);
  expect([wrong.status, wrong.err]).toEqual([
    1,
    expect.stringContaining('Next: trunkline push dataset --help'),
  ]);
});
