import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packSeparate, packZipped, type StoredBundle } from '../../../examples/demo/packNets.ts';
import { sideReport } from '../../../examples/demo/sideReport.ts';
import { measureZip, type MeasuredZip } from '../../../examples/demo/zippedReport.ts';
import type { DemoNet } from '../../../examples/demo/zipNets.ts';
import { zip } from '../../../gpu-runner/mtz/zip.ts';
import { recipe as recipeSchema } from '../../../shared/recipe.ts';
import { report as reportSchema, type Report } from '../../../shared/report.ts';
import { lenet } from '../../gpu-runner/mtz/nets/lenet.ts';
import { randomSamples } from '../../gpu-runner/mtz/networks.ts';

const dims = [1, 12, 12];
const labels = ['a', 'b', 'c'];
const training = { steps: 500, batchSize: 8, learningRate: 0.1, weightDecay: 0, seed: 1 };
const accuracy = { fraction: 0.5, samples: 64 };

/** Two untrained networks on noise. */
const nets = (['digit', 'fashion'] as const).map((task, index): DemoNet => ({
  graph: lenet({ seed: index + 1 }),
  sizeBytes: 7000,
  info: {
    ...{ task, dataset: `${task} data`, labels, training, validation: accuracy, test: accuracy },
    sha256: String(index).repeat(64),
  },
  images: {
    ...{ task, dataset: `${task} data`, labels },
    train: randomSamples(dims, 48, index),
    validation: randomSamples(dims, 12, 5 + index),
    test: randomSamples(dims, 64, 9 + index),
  },
}));
const recipe = recipeSchema.parse({
  ...{ wiring: 'one-way', share: { share: 1 }, gramSamples: 24 },
  retraining: { stepsPerLayer: 2, finalSteps: 2, batchSize: 8, learningRate: 0.003, distillation: 1 },
});

const sections = ['figures', 'network', 'tradeoff', 'retraining', 'confusion', 'origin'];

describe("the demo's bundles", () => {
  let folder: string;
  let measured: MeasuredZip;
  let zipped: StoredBundle;
  let report: Report;
  const read = async (of: StoredBundle): Promise<{ report: Report; page: string }> => ({
    report: reportSchema.parse(JSON.parse(await readFile(join(of.folder, 'report.json'), 'utf8'))),
    page: await readFile(join(of.folder, 'report.html'), 'utf8'),
  });
  const sectionsOf = (page: string): string[] =>
    Array.from(page.matchAll(/<section id="([^"]+)"/g), ([, id = '']) => id);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trunkline-demo-'));
    const sources = nets.map(({ graph, images: { task, train, validation } }) => ({
      ...{ task, graph, train, validation },
    }));
    measured = await measureZip({ ...(await zip(sources, recipe, { provider: 'cpu' })), recipe }, nets);
    zipped = await packZipped('zipped', measured, nets, folder);
    ({ report } = await read(zipped));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("tell of the zipped network what a zip's report tells: sharing, curve, retraining, confusion", async () => {
    const { page } = await read(zipped);
    expect(sectionsOf(page)).toEqual(sections);
    expect(report.plan.map(({ name }) => name)).toEqual(['conv1', 'conv2', 'fc1', 'fc2']);
    expect(report.tradeoff?.predicted.length).toBeGreaterThan(1);
    expect(report.tradeoff?.measured[0]?.loss).toBeGreaterThan(0);
    expect(report.retraining?.iterations).toBe(measured.retrainingSteps);
    expect(report.retraining?.history.length).toBeGreaterThan(1);
    for (const { accuracy: told, confusion, source } of report.tasks) {
      const right = (counts: readonly (readonly number[])[] = []): number =>
        counts.reduce((sum, row, label) => sum + (row[label] ?? 0), 0) / 64;
      expect(told).toEqual({
        ...{ before: right(confusion?.before), after: right(confusion?.after), samples: 64 },
      });
      expect(source).toMatchObject({ dataset: expect.stringMatching(/ data$/) as string, iterations: 500 });
    }
    expect(zipped.manifest.heads.map((head) => head.accuracy)).toEqual(
      report.tasks.map((task) => task.accuracy),
    );
  });

  it('tell of each separate network what there is to tell', async () => {
    for (const separate of await packSeparate(nets, folder))
      expect(sectionsOf((await read(separate)).page)).toEqual(['figures', 'network', 'origin']);
  });

  it('count as bytes stored what is served, which the report is not', () => {
    const { storedBytes } = sideReport('zipped', [zipped], [], 1, 1);
    const { files } = zipped.manifest;
    expect(storedBytes).toBe(report.figures.bytes?.zipped);
    expect(storedBytes).toBe(
      files
        .filter(({ path }) => !path.startsWith('report.'))
        .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
  });

  it('say of a network that was changed after the merge what was done to it', async () => {
    const told = await read(await packZipped('changed', measured, nets, folder, ['It was damaged.']));
    expect(told.report.notes[0]).toBe('It was damaged.');
    expect(sectionsOf(told.page)).toEqual(sections);
  });
});
