import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBundle } from '../../../../gpu-runner/bundle/readBundle.ts';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import { writeModelFile } from '../../../../gpu-runner/onnx/files.ts';
import { scalePixels } from '../../../../shared/preprocess.ts';
import { pixelsTo1, type Preprocessing } from '../../../../shared/preprocessing.ts';
import { report as reportSchema } from '../../../../shared/report.ts';
import { npy, zip as archive } from '../../data/byteFixtures.ts';
import { answerOf } from '../../mtz/nets.ts';
import { NetBuilder } from '../../mtz/nets/builder.ts';
import { channelsLastNet } from '../../mtz/nets/channelsLast.ts';
import { Home } from '../runCli.ts';
import { idx } from '../tinyMerge.ts';

// Networks whose inputs are made otherwise, and what becomes of it through the doors that people use.

let home: Home;
beforeEach(async () => {
  home = await Home.make();
});
afterEach(() => home.remove());

const samples = 40;
const [side, classes] = [6, 3];

/** A network and pictures of grey that it answers right, as its preprocessing makes its inputs of them. */
async function write(task: string, preprocessing: Preprocessing): Promise<void> {
  const seed = task.length;
  const [channels] = preprocessing.layout;
  const net = new NetBuilder(task, seed);
  const x = net.relu(net.conv('conv1', net.input([channels, side, side]), 4, { pad: 0 }));
  const graph = net.end(net.dense('fc', net.flatten(x), classes));
  writeModelFile(home.path(`${task}.onnx`), graph);
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: samples * side * side }, () => random.integer(256));
  const planes = Uint8Array.from({ length: pixels.length * channels }, (_, at) => {
    const plane = side * side;
    return pixels[Math.floor(at / (channels * plane)) * plane + (at % plane)] ?? 0;
  });
  const input = { dtype: 'float32' as const, dims: [samples, channels, side, side] };
  const logits = await answerOf(graph, { ...input, data: scalePixels(planes, preprocessing) });
  const labels = Array.from({ length: samples }, (_, row) => {
    const own = [...logits].slice(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
  const rgb = Array.from({ length: 3 * pixels.length }, (_, at) => pixels[Math.floor(at / 3)] ?? 0);
  const images =
    channels === 1 ? idx([samples, side, side], [...pixels]) : idx([samples, side, side, 3], rgb);
  await writeFile(home.path(`${task}.images`), images);
  await writeFile(home.path(`${task}.labels`), idx([samples], labels));
  const description = {
    from: { images: `${task}.images`, labels: `${task}.labels` },
    ...{ preprocessing, split: { validation: 0.25 } },
  };
  await writeFile(home.path(`${task}.json`), JSON.stringify(description));
}

const sources = (...tasks: string[]) =>
  tasks.flatMap((task) => [
    ...['--net', `${task}=${home.path(`${task}.onnx`)}`],
    ...['--data', `${task}=${home.path(`${task}.json`)}`],
  ]);
/** Nothing is shared and nothing retrained: the bundle answers as the networks do. */
const nothing = ['--share', '0', '--steps-per-layer', '0', '--final-steps', '0'];
const zip = (...more: string[]) =>
  home.run(['zip', ...more, ...nothing, '--json', '--out', home.path('merged')]);

const accuracies = (out: string) =>
  reportSchema
    .parse((JSON.parse(out) as { report: unknown }).report)
    .tasks.map(({ task, accuracy }) => [task, accuracy?.before, accuracy?.after]);

const grey = pixelsTo1([1, side, side]);
const rgb = { ...pixelsTo1([3, side, side]), mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] };

test('zip makes one input of two preprocessings, tells which, and both tasks answer as they did', async () => {
  await write('digit', { ...grey, mean: [0.1307], std: [0.3081] });
  await write('letters', { ...grey, mean: [0.5], std: [0.25] });
  const { status, out, err } = await zip(...sources('digit', 'letters'));
  expect(status, err).toBe(0);
  expect(accuracies(out)).toEqual([
    ['digit', 1, 1],
    ['letters', 1, 1],
  ]);
  const { manifest } = await readBundle(home.path('merged'));
  expect(manifest.preprocessing).toEqual({ ...grey, mean: [0.1307], std: [0.3081] });
  expect(err).toContain('Inputs: grey images, pixels / 255, - [0.1307], / [0.3081], float32 [N, 1, 6, 6]');
  expect(err).toContain('those of "letters" were made otherwise');
  expect(err).toContain('The separate networks answer right: digit 100.00 % letters 100.00 %');
  expect(out).toContain('which is folded into its network');
});

test('extend brings a third preprocessing to the one that the bundle declares, and keeps to that', async () => {
  const means = { digit: 0.1, letters: 0.5, sign: 0.3 };
  for (const [task, mean] of Object.entries(means)) await write(task, { ...grey, mean: [mean] });
  const share = ['--share', '0.5', ...nothing.slice(2)];
  const merged = await home.run([
    ...['zip', ...sources('digit', 'letters'), ...share, '--out', home.path('merged')],
  ]);
  expect(merged.status, merged.err).toBe(0);
  const extend = (to: string) =>
    home.run([
      ...['extend', home.path('merged'), ...sources('digit', 'letters', 'sign')],
      ...[...nothing, '--json', '--out', home.path(to)],
    ]);
  const extended = await extend('extended');
  expect(extended.status, extended.err).toBe(0);
  expect(accuracies(extended.out)[2]).toEqual(['sign', 1, 1]);
  const { manifest } = await readBundle(home.path('extended'));
  expect(manifest.preprocessing).toEqual({ ...grey, mean: [0.1] });

  await write('digit', grey);
  const other = await extend('other');
  expect([other.status, other.err]).toEqual([
    1,
    expect.stringMatching(/Cannot extend: inputs of the bundle are made of grey images, .* - \[0.1\]/),
  ]);
});

test.each([
  ['an RGB network reads grey', 'sign=repeat', grey],
  ['a grey network reads the mean of RGB', 'digit=mean', rgb],
  ['a grey network reads the luma of RGB', 'digit=luma', rgb],
])('zip --input-channels: %s, and both answer as they did', async (_, how, preprocessing) => {
  await write('digit', grey);
  await write('sign', rgb);
  const { status, out, err } = await zip(...sources('digit', 'sign'), '--input-channels', how);
  expect(status, err).toBe(0);
  expect(accuracies(out)).toEqual([
    ['digit', 1, 1],
    ['sign', 1, 1],
  ]);
  expect((await readBundle(home.path('merged'))).manifest.preprocessing).toEqual(preprocessing);
  const plan = await home.run(['plan', ...sources('digit', 'sign'), '--input-channels', how, '--explain']);
  expect(plan.status, plan.err).toBe(0);
});

test('zip and plan refuse preprocessings that no network can make up for', async () => {
  await write('digit', grey);
  const resize = { width: side + 2, height: side + 2, mode: 'bilinear', fit: 'stretch' } as const;
  await write('letters', { ...grey, resize });
  const why =
    'Cannot give "digit" and "letters" one input: that of "digit" is made of grey images, pixels / 255';
  const merged = await zip(...sources('digit', 'letters'));
  expect([merged.status, merged.err]).toEqual([1, expect.stringContaining(why)]);
  const plan = await home.run(['plan', ...sources('digit', 'letters')]);
  expect([plan.status, plan.err]).toEqual([1, expect.stringContaining(why)]);
});

test('zip names the task whose data do not fit its network before it computes anything', async () => {
  await write('digit', grey);
  await write('letters', grey);
  const description = (change: object) =>
    writeFile(
      home.path('letters.json'),
      JSON.stringify({ from: { images: 'letters.images', labels: 'letters.labels' }, ...change }),
    );
  await description({ preprocessing: null });
  const dims = await zip(...sources('digit', 'letters'));
  expect([dims.status, dims.err]).toEqual([
    1,
    expect.stringContaining('Cannot zip "letters": its samples are [6,6], the networks read [1,6,6]'),
  ]);
  await description({ labels: ['a', 'b', 'c', 'd'] });
  const many = await zip(...sources('digit', 'letters'));
  expect([many.status, many.err]).toEqual([
    1,
    expect.stringContaining('Cannot zip "letters": its samples have 4 classes, its network 3'),
  ]);
  expect(many.err).not.toContain('answer right');
});

test('zip takes data that lack samples of the last classes', async () => {
  await write('digit', grey);
  await write('letters', grey);
  await writeFile(home.path('letters.labels'), idx([samples], new Array<number>(samples).fill(0)));
  const { status, err, out } = await zip(...sources('digit', 'letters'));
  expect(status, err).toBe(0);
  const { tasks } = reportSchema.parse((JSON.parse(out) as { report: unknown }).report);
  expect(tasks[1]?.labels).toEqual(['0', '1', '2']);
});

test('plan and zip say how much of the data they left out, and why', async () => {
  await write('digit', grey);
  await write('letters', grey);
  const values = Float32Array.from({ length: samples * side * side }, (_, at) => at % 256);
  values[side * side] = NaN;
  const labels = Uint8Array.from({ length: samples }, (_, row) => row % classes);
  await writeFile(
    home.path('letters.npz'),
    archive([
      { name: 'x.npy', bytes: npy("'<f4'", [samples, side, side], new Uint8Array(values.buffer)) },
      { name: 'y.npy', bytes: npy("'|u1'", [samples], labels) },
    ]),
  );
  const description = { from: 'letters.npz', preprocessing: grey, allowBad: 0.1 };
  await writeFile(home.path('letters.json'), JSON.stringify(description));
  const note = '1 of the data of "letters" left out: x[1]: its value 0 is NaN, not a finite number';
  const plan = await home.run(['plan', ...sources('digit', 'letters'), '--json']);
  expect(plan.err).toBe(note);
  expect(JSON.parse(plan.out)).toMatchObject({ dataNotes: [note] });
  const merged = await zip(...sources('digit', 'letters'));
  expect(merged.err).toContain(note);
  const { notes, tasks } = reportSchema.parse((JSON.parse(merged.out) as { report: unknown }).report);
  expect(notes).toContain(note);
  expect(tasks[1]?.leftOut).toEqual({
    count: 1,
    first: [{ path: 'x[1]', reason: 'its value 0 is NaN, not a finite number' }],
  });
});

/** Data of "letters" without labels. */
async function withoutLabels(): Promise<void> {
  await write('digit', grey);
  await write('letters', grey);
  const description = {
    from: { images: 'letters.images' },
    preprocessing: grey,
    split: { validation: 0.25 },
  };
  await writeFile(home.path('letters.json'), JSON.stringify(description));
}
/** Half is shared and retrained a little. */
const little = ['--share', '0.5', '--steps-per-layer', '2', '--final-steps', '2', '--batch-size', '8'];
const retrained = (...more: string[]) =>
  home.run(['zip', ...sources('digit', 'letters'), ...little, '--out', home.path('merged'), ...more]);

test('zip retrains a task without labels on its own answers, and tells how many stayed', async () => {
  await withoutLabels();
  const { status, err, out } = await retrained('--max-drop', '1');
  expect(status, err).toBe(0);
  expect(err).toContain('The data of "letters" have no labels: it learns from its own network');
  expect(err).toMatch(/The separate networks answer right: digit 100\.00 %$/m);
  expect(out).toMatch(/^accuracy "letters": not measured, no labels; of 10 answers stayed +\d+\.\d\d %/m);
  const { manifest, files } = await readBundle(home.path('merged'));
  expect(manifest.heads.map(({ accuracy }) => accuracy?.samples)).toEqual([10, undefined]);
  const report = reportSchema.parse(
    JSON.parse(new TextDecoder().decode(files.get(manifest.report?.json ?? ''))),
  );
  expect(report.tasks[1]).toMatchObject({ agreement: { samples: 10 } });
  expect(report.retraining?.iterations).toBeGreaterThan(0);
  expect(Object.keys(report.retraining?.floors ?? {})).toEqual(['digit']);
  expect(new TextDecoder().decode(files.get(manifest.report?.html ?? ''))).toContain('for want of labels');
});

test.each([
  [
    ['--distillation', '0.9'],
    'Cannot retrain "letters" with labels: its data have none; give labels or set distillation to 1',
  ],
  [
    { floors: { accuracy: { letters: 0.5 } } },
    'Cannot keep "letters" at an accuracy of 0.5: its data have no labels to measure it by',
  ],
])('zip refuses what takes labels where there are none: %j', async (how, why) => {
  await withoutLabels();
  const retraining = { stepsPerLayer: 2, finalSteps: 2, batchSize: 8, learningRate: 0.001, distillation: 1 };
  const recipe = { wiring: 'one-way', retraining, ...(Array.isArray(how) ? {} : how) };
  await writeFile(home.path('recipe.json'), JSON.stringify(recipe));
  const more = Array.isArray(how) ? how : [];
  const { status, err } = await retrained('--recipe', home.path('recipe.json'), ...more);
  expect([status, err]).toEqual([1, expect.stringContaining(why)]);
});

test('zip stops retraining early by the loss of a task without labels, and by no accuracy of it', async () => {
  await withoutLabels();
  const recipe = (metric: string) => ({
    wiring: 'one-way',
    retraining: {
      ...{ stepsPerLayer: 2, finalSteps: 2, batchSize: 8, learningRate: 0.001, distillation: 1 },
      earlyStopping: { every: 1, patience: 1, metric },
    },
  });
  const told = await Promise.all(
    ['loss', 'accuracy'].map(async (metric) => {
      await writeFile(home.path(`${metric}.json`), JSON.stringify(recipe(metric)));
      return retrained('--recipe', home.path(`${metric}.json`), '--out', home.path(metric), '--json');
    }),
  );
  expect(told.map(({ status, err }) => [status, status === 0 ? '' : err])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  const both = { from: { images: 'digit.images' }, preprocessing: grey };
  await writeFile(home.path('digit.json'), JSON.stringify(both));
  const none = await retrained('--recipe', home.path('accuracy.json'));
  expect([none.status, none.err]).toEqual([
    1,
    expect.stringContaining('Cannot stop retraining early by accuracy: the held-out data of no task'),
  ]);
});

test.each<[string, object, (seed: number) => { type: string; values: number[]; scale: number }]>([
  [
    'as bytes, of which pixels / 255 are made',
    {},
    (seed) => {
      const random = new Random(seed);
      return {
        ...{ type: "'|u1'", scale: 1 / 255 },
        values: Array.from({ length: samples * 90 }, () => random.integer(256)),
      };
    },
  ],
  [
    'as what they read',
    { preprocessing: null },
    (seed) => {
      const random = new Random(seed);
      return {
        ...{ type: "'<f4'", scale: 1 },
        values: Array.from({ length: samples * 90 }, () => Math.fround(random.normal())),
      };
    },
  ],
])('zip takes networks of TensorFlow and arrays with the channels last, %s', async (_, more, dataOf) => {
  for (const [index, task] of ['digit', 'letter'].entries()) {
    const graph = channelsLastNet({ seed: index + 1 });
    writeModelFile(home.path(`${task}.onnx`), graph);
    const { type, values, scale } = dataOf(index);
    const data = Float32Array.from(values, (value) => value * scale);
    const logits = await answerOf(graph, { dtype: 'float32', dims: [samples, 6, 5, 3], data });
    const labels = Array.from({ length: samples }, (__, row) => {
      const own = [...logits].slice(row * 3, (row + 1) * 3);
      return own.indexOf(Math.max(...own));
    });
    const bytes =
      type === "'|u1'" ? Uint8Array.from(values) : new Uint8Array(Float32Array.from(values).buffer);
    await writeFile(
      home.path(`${task}.npz`),
      archive([
        { name: 'x.npy', bytes: npy(type, [samples, 6, 5, 3], bytes) },
        { name: 'y.npy', bytes: npy("'|u1'", [samples], labels) },
      ]),
    );
    await writeFile(home.path(`${task}.json`), JSON.stringify({ from: `${task}.npz`, ...more }));
  }
  const { status, out, err } = await zip(...sources('digit', 'letter'));
  expect(status, err).toBe(0);
  expect(accuracies(out)).toEqual([
    ['digit', 1, 1],
    ['letter', 1, 1],
  ]);
  const { manifest } = await readBundle(home.path('merged'));
  expect(manifest.inputs.map(({ dims }) => dims)).toEqual([[-1, 3, 6, 5]]);
});
