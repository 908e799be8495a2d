import { beforeAll, describe, expect, it, test } from 'vitest';
import { checkReport } from '../../../gpu-runner/bundle/report/reportFiles.ts';
import { openBundle } from '../../../gpu-runner/bundle/openBundle.ts';
import { readParts } from '../../../gpu-runner/bundle/readParts.ts';
import { unzipTask, withoutTask } from '../../../gpu-runner/bundle/unzip.ts';
import { omit } from '../../../gpu-runner/bundle/forgetTask.ts';
import type { Bundle } from '../../../gpu-runner/bundle/bundle.ts';
import { exportBundle, packModel } from '../../../gpu-runner/bundle/export.ts';
import { countMacs, countParameters } from '../../../gpu-runner/mtz/count.ts';
import { mergeModels } from '../../../gpu-runner/runner/mergeModels.ts';
import { recipe as recipeSchema, type RecipeInput } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { answerOf, largestGap, randomInput } from '../mtz/nets.ts';
import { randomSamples } from '../mtz/networks.ts';
import { lenet } from '../mtz/nets/lenet.ts';
import { bundleSource, trainedGraph, wholeGraph } from './twoTasks.ts';

const tasks = ['digit', 'fashion', 'letter'];
const options = { name: 'rest', createdAt: new Date('2026-02-03T00:00:00Z') };

/** Three untrained LeNets zipped into one bundle, with a report. */
async function merged(asked: Partial<RecipeInput> = {}): Promise<Bundle> {
  const { bundle } = await mergeModels({
    name: 'three',
    createdAt: new Date('2026-01-02T00:00:00Z'),
    preprocessing: 'none',
    provider: 'cpu',
    recipe: recipeSchema.parse({
      wiring: 'one-way',
      share: { share: 0.5 },
      gramSamples: 24,
      maxStorageDrop: 1,
      floors: { accuracy: { digit: 0, letter: 0 } },
      mergeWeights: { digit: 2, letter: 3 },
      retraining: {
        ...{ stepsPerLayer: 2, finalSteps: 0, batchSize: 8, learningRate: 0.01 },
        lossWeights: { fashion: 2, letter: 3 },
      },
      ...asked,
    }),
    sources: tasks.map((task, index) => ({
      ...{ task, graph: lenet({ seed: index + 1 }), labels: ['a', 'b', 'c'] },
      ...{
        train: randomSamples([1, 12, 12], 24, index),
        validation: randomSamples([1, 12, 12], 12, 9 + index),
      },
      model: { name: `${task}-net`, sha256: String(index).repeat(64), sizeBytes: 1000 },
    })),
  });
  return bundle;
}

async function answersOf(
  { manifest, files }: Bundle,
  image: Tensor<'float32'>,
): Promise<Record<string, Float32Array>> {
  const open = await openBundle(manifest, files, { provider: 'cpu' });
  const answers = await open.run({ [manifest.inputs[0]?.name ?? '']: image });
  await open.release();
  return Object.fromEntries(
    Object.entries(answers).map(([task, answer]) => [task, (answer as Tensor<'float32'>).data]),
  );
}

const none = new Float32Array();
const image = randomInput([5, 1, 12, 12], 77);

describe.each<[string, Partial<RecipeInput>]>([
  ['one-way', {}],
  ['crossed', { wiring: 'crossed' }],
  ['wholly shared', { share: { share: 1 } }],
  ['not shared', { share: { share: 0 } }],
  ['float16', { storage: 'float16' }],
  ['int8', { storage: 'int8' }],
])('a bundle of three tasks, %s', (_name, asked) => {
  let bundle: Bundle;
  let answers: Record<string, Float32Array>;
  beforeAll(async () => {
    bundle = await merged(asked);
    answers = await answersOf(bundle, image);
  });

  test.each(tasks)(
    'unzipTask() gives the network of %s alone, which answers as the bundle does',
    async (task) => {
      const { graph, parity } = await unzipTask(bundle, task);
      expect(graph.inputs.map(({ dims }) => dims.slice(1))).toEqual([[1, 12, 12]]);
      expect(graph.outputs.map(({ name }) => name)).toEqual([
        bundle.manifest.heads.find((head) => head.task === task)?.output.name,
      ]);
      expect(largestGap(await answerOf(graph, image), answers[task] ?? none)).toBeLessThan(1e-5);
      expect(parity.samples).toBe(16);
      // Nothing is there that the answer does not need, and no more is computed than trunk and head do.
      const pruned = graph.clone();
      pruned.prune();
      expect(pruned.nodes.length).toBe(graph.nodes.length);
      const { trunk, heads } = readParts(bundle);
      const head = heads.find((one) => one.task === task)?.graph;
      expect(countMacs(graph)).toBeLessThanOrEqual(
        (trunk ? countMacs(trunk) : 0) + (head ? countMacs(head) : 0),
      );
    },
  );

  test('withoutTask() leaves a bundle of the others that answers as before, and speaks of them only', async () => {
    const rest = await withoutTask(bundle, 'letter', options);
    const { manifest } = rest;
    const now = await answersOf(rest, image);
    expect(Object.keys(now)).toEqual(['digit', 'fashion']);
    for (const [task, answer] of Object.entries(now))
      expect(largestGap(answer, answers[task] ?? none)).toBeLessThan(1e-5);
    expect(manifest).toMatchObject({
      ...{ name: 'rest', createdAt: options.createdAt.toISOString() },
      lineage: { models: [{ task: 'digit' }, { task: 'fashion' }] },
    });
    const { recipe } = manifest;
    expect([recipe?.floors?.accuracy, recipe?.mergeWeights, recipe?.retraining.lossWeights]).toEqual([
      ...[{ digit: 0 }, { digit: 2 }, { fashion: 2 }],
    ]);
    expect(manifest.storage).toBe(bundle.manifest.storage);
    const report = checkReport(
      JSON.parse(new TextDecoder().decode(rest.files.get(manifest.report?.json ?? ''))),
    );
    expect(report.tasks.map(({ task }) => task)).toEqual(['digit', 'fashion']);
    expect(report.notes.at(-1)).toContain(`"letter" was taken out of bundle ${bundle.id.slice(0, 12)}`);
    expect(JSON.stringify([manifest, { ...report, notes: [] }])).not.toContain('"letter"');
    const macs = [manifest.trunk, ...manifest.heads].reduce((sum, part) => sum + (part?.macs ?? 0), 0);
    expect(report.figures.macs).toEqual({
      zipped: macs,
      separate: 2 * countMacs(lenet({ seed: 1 })),
    });
    const size = ({ manifest: { files } }: Bundle): number =>
      files.reduce((sum, file) => (file.path.startsWith('report') ? sum : sum + file.sizeBytes), 0);
    expect(size(rest)).toBeLessThan(size(bundle));
  });
});

test('withoutTask() keeps what the manifest says of the parts true to the files', async () => {
  const rest = await withoutTask(await merged({ wiring: 'crossed' }), 'digit', options);
  const { trunk, heads } = readParts(rest);
  const told = [rest.manifest.trunk, ...rest.manifest.heads].map((part) => [part?.macs, part?.parameters]);
  const found = [trunk, ...heads.map(({ graph }) => graph)].map((graph) =>
    graph ? [countMacs(graph), countParameters(graph)] : [undefined, undefined],
  );
  expect(told).toEqual(found);
});

test('a task can be taken out after another, down to one that still answers', async () => {
  const bundle = await merged();
  const answers = await answersOf(bundle, image);
  const two = await withoutTask(bundle, 'digit', options);
  const one = await withoutTask(two, 'letter', options);
  expect(one.manifest.sharing).toEqual([]);
  const now = await answersOf(one, image);
  expect(Object.keys(now)).toEqual(['fashion']);
  expect(largestGap(now.fashion ?? none, answers.fashion ?? none)).toBeLessThan(1e-5);
  await expect(withoutTask(one, 'fashion', options)).rejects.toThrow(
    'Cannot leave a bundle without "fashion": it has no other task',
  );
});

describe('a bundle that no merge here made', () => {
  it('is unzipped too', async () => {
    const bundle = await exportBundle(bundleSource(), trainedGraph());
    const small = randomInput([3, 1, 6, 6], 5);
    const { graph } = await unzipTask(bundle, 'fashion');
    expect(
      largestGap(await answerOf(graph, small), await answerOf(wholeGraph('fashion'), small)),
    ).toBeLessThan(1e-5);
    const rest = await withoutTask(bundle, 'digit', options);
    expect(rest.manifest.sharing).toEqual([]);
    expect((await answersOf(rest, small)).fashion).toHaveLength(3 * 5);
  });

  it('and has no report leaves one with a report', async () => {
    const bundle = await exportBundle(bundleSource(), trainedGraph());
    const manifest = omit(bundle.manifest, 'report');
    const { files, ...rest } = await withoutTask({ ...bundle, manifest }, 'digit', options);
    const report = checkReport(
      JSON.parse(new TextDecoder().decode(files.get(rest.manifest.report?.json ?? ''))),
    );
    expect(report.tasks.map(({ task }) => task)).toEqual(['fashion']);
    expect(report.notes.at(-1)).toContain(`"digit" was taken out of bundle ${bundle.id.slice(0, 12)}`);
    expect(JSON.stringify({ ...report, notes: [] })).not.toContain('digit');
    expect(files.has('report.html')).toBe(true);
  });

  it('of one network gives that network', async () => {
    const bundle = await packModel({
      ...{ name: 'one', task: 'digit', graph: wholeGraph('digit'), labels: [], accuracy: null },
      ...{ sha256: '0'.repeat(64), preprocessing: 'none' },
    });
    expect((await unzipTask(bundle, 'digit')).graph.nodes).toHaveLength(6);
  });

  it('has no other tasks than its own, and needs its files', async () => {
    const bundle = await exportBundle(bundleSource(), trainedGraph());
    const refusal = `Cannot take out "smell": the bundle's tasks are digit, fashion`;
    await expect(unzipTask(bundle, 'smell')).rejects.toThrow(refusal);
    await expect(withoutTask(bundle, 'smell', options)).rejects.toThrow(refusal);
    const files = new Map([...bundle.files].filter(([path]) => path !== 'trunk.weights'));
    await expect(unzipTask({ ...bundle, files }, 'digit')).rejects.toThrow(
      /^Cannot read trunk.onnx: .*trunk.weights/,
    );
  });

  it('that answers no numbers is refused: nothing can be said of what comes out', async () => {
    const bundle = await exportBundle(bundleSource(), trainedGraph());
    const weights = new Uint8Array(bundle.files.get('shared-1.weights') ?? []).fill(0x7f, 0, 64);
    const files = new Map(bundle.files).set('shared-1.weights', weights);
    await expect(unzipTask({ ...bundle, files }, 'digit')).rejects.toThrow(
      /^Cannot unzip "digit": put together, it does not answer as the bundle does/,
    );
  });
});
