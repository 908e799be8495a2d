import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noLabel } from '../../../gpu-runner/engine/dataset.ts';
import type { Pieces } from '../../../gpu-runner/engine/pieces.ts';
import { openDataset } from '../../../gpu-runner/data/openDataset.ts';
import { openBundle } from '../../../gpu-runner/bundle/openBundle.ts';
import { mergeModels } from '../../../gpu-runner/runner/mergeModels.ts';
import type { Merged, MergeOptions, MergeProgress } from '../../../gpu-runner/runner/mergeOptions.ts';
import { writeFile } from 'node:fs/promises';
import { datasetDocument } from '../../../shared/dataset.ts';
import { pixelsTo1 } from '../../../shared/preprocessing.ts';
import { recipe } from '../../../shared/recipe.ts';
import { report as reportSchema, type Report } from '../../../shared/report.ts';
import { taught } from '../mtz/taught.ts';
import { closeCall, rightly } from './closeCall.ts';
import { memoryStore } from './storage/memoryStore.ts';
import { tinyLabels, tinyMerge, tinyNet, tinyRecipe } from './work/tinyTask.ts';

let folder: string;
let options: MergeOptions;
let merged: Merged;
const progress: MergeProgress[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-merge-'));
  const store = memoryStore();
  const { sources } = tinyMerge(store.add);
  for (const [digest, bytes] of store.blobs) await writeFile(join(folder, digest), bytes);
  options = {
    name: 'pair',
    createdAt: new Date('2026-01-02T03:04:05.000Z'),
    preprocessing: pixelsTo1([1, 12, 12]),
    recipe: recipe.parse(tinyRecipe),
    provider: 'cpu',
    sources: await Promise.all(
      sources.map(async ({ task, model, data }, index) => {
        const document = datasetDocument.parse(data.document);
        const opened = await openDataset(document, ({ sha256 }) => Promise.resolve(join(folder, sha256)));
        const [file] = model.document.files;
        return {
          ...{ task, graph: tinyNet(index + 1), labels: tinyLabels },
          ...{ train: opened.train, validation: opened.validation },
          model: { name: model.name, sha256: file?.sha256 ?? '', sizeBytes: file?.sizeBytes ?? 0 },
        };
      }),
    ),
  };
  merged = await mergeModels({ ...options, onProgress: (one) => progress.push(one) });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('mergeModels()', () => {
  it('makes a bundle of both tasks that answers', async () => {
    const { manifest, files } = merged.bundle;
    expect(manifest.heads.map(({ task, labels }) => [task, labels])).toEqual([
      ['left', tinyLabels],
      ['right', tinyLabels],
    ]);
    expect(manifest.lineage.models.map(({ name }) => name)).toEqual(['left-net', 'right-net']);
    const open = await openBundle(manifest, files, { provider: 'cpu' });
    const input = { dtype: 'float32' as const, dims: [1, 1, 12, 12], data: new Float32Array(144) };
    const answers = await open.run({ [manifest.inputs[0]?.name ?? '']: input });
    await open.release();
    expect(Object.values(answers).map(({ dims }) => dims)).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });

  it.each(['float16', 'int8'] as const)(
    'stores the bundle as %s where the recipe says so, and tells what it cost',
    async (storage) => {
      const asked = { ...tinyRecipe, storage, maxStorageDrop: 0.5 };
      const { bundle, report } = await mergeModels({ ...options, recipe: recipe.parse(asked) });
      expect(bundle.manifest.storage).toBe(storage);
      const { bytes, storage: told } = report.quantisation ?? {};
      expect(told).toBe(storage);
      expect(bytes?.float32).toBe(merged.report.figures.bytes?.zipped);
      // So small a net has more bytes of nodes than of weights: int8 adds nodes.
      if (storage === 'float16') expect(bytes?.stored).toBeLessThan(0.8 * (bytes?.float32 ?? 0));
      expect(report.figures.bytes?.zipped).toBe(bytes?.stored);
      const open = await openBundle(bundle.manifest, bundle.files, { provider: 'cpu' });
      const input = { dtype: 'float32' as const, dims: [1, 1, 12, 12], data: new Float32Array(144) };
      const answers = await open.run({ [bundle.manifest.inputs[0]?.name ?? '']: input });
      await open.release();
      expect(Object.keys(answers)).toEqual(['left', 'right']);
    },
  );

  it.each(['float16', 'int8'] as const)(
    'reports of a %s bundle what that bundle answers, not float32',
    async (storage) => {
      const graph = closeCall(3);
      const held = await rightly(graph, 200, 4);
      const source = { graph, labels: [], train: held, validation: held };
      const model = { name: 'close', sha256: 'a'.repeat(64), sizeBytes: 1000 };
      const { report, bundle } = await mergeModels({
        ...options,
        sources: ['left', 'right'].map((task) => ({ ...source, task, model })),
        recipe: recipe.parse({ ...tinyRecipe, share: { share: 0 }, storage, maxStorageDrop: 1 }),
      });
      for (const { task, accuracy, confusion } of report.tasks) {
        const right = (counts: readonly (readonly number[])[] = []): number =>
          counts.reduce((sum, row, label) => sum + (row[label] ?? 0), 0) / 200;
        expect([accuracy?.before, right(confusion?.before)]).toEqual([1, 1]);
        expect(accuracy?.after).toBeLessThan(0.99);
        expect(right(confusion?.after)).toBe(accuracy?.after);
        expect(report.quantisation?.accuracy[task]).toEqual({
          before: 1,
          after: accuracy?.after,
          samples: 200,
        });
        expect(bundle.manifest.heads.find((head) => head.task === task)?.accuracy?.after).toBe(
          accuracy?.after,
        );
      }
      expect(report.notes).toEqual([]);
    },
  );

  it.each(['float16', 'int8'] as const)(
    'tells of data without labels how often a %s bundle, not float32, answers as before, and how far its answers are',
    async (storage) => {
      const graph = closeCall(3);
      const held = await rightly(graph, 200, 4);
      const data = { ...held, labels: new Int32Array(held.size).fill(noLabel) };
      const source = { graph, labels: [], train: data, validation: data };
      const model = { name: 'close', sha256: 'a'.repeat(64), sizeBytes: 1000 };
      const merge = (as: string) =>
        mergeModels({
          ...options,
          sources: ['left', 'right'].map((task) => ({ ...source, task, model })),
          recipe: recipe.parse({
            ...tinyRecipe,
            ...{ storage: as, maxStorageDrop: 1 },
            retraining: { ...tinyRecipe.retraining, learningRate: 1e-12 },
          }),
        });
      const { report, bundle } = await merge(storage);
      const { manifest, files } = bundle;
      const open = await openBundle(manifest, files, { provider: 'cpu' });
      const all = Uint32Array.from({ length: held.size }, (_, index) => index);
      const answers = await open.run({
        [manifest.inputs[0]?.name ?? '']: { dtype: 'float32', dims: [held.size, 4], data: held.inputs(all) },
      });
      await open.release();
      const exact = await merge('float32');
      for (const [index, { task, agreement }] of report.tasks.entries()) {
        const scores = answers[task]?.data ?? [];
        const same = [...held.labels].filter((label, row) => {
          const [a = 0, b = 0, c = 0] = [0, 1, 2].map((at) => Number(scores[3 * row + at]));
          return [a, b, c].indexOf(Math.max(a, b, c)) === label;
        });
        expect(agreement).toEqual({ share: same.length / held.size, samples: held.size });
        expect(agreement?.share).toBeLessThan(0.99);
        expect(exact.report.tasks[index]?.agreement?.share).toBe(1);
      }
      const lossOf = ({ tradeoff }: Report): number => tradeoff?.measured[0]?.loss ?? NaN;
      expect(lossOf(report)).toBeGreaterThan(10 * lossOf(exact.report));
    },
  );

  it('says how many weights of pruned networks are not 0, before and after', async () => {
    const sources = options.sources.map((source) => {
      const graph = source.graph.clone();
      for (const [name, tensor] of graph.initializers)
        if (tensor.dtype === 'float32' && tensor.dims.length > 1)
          graph.initializers.set(name, {
            ...tensor,
            data: tensor.data.map((value, i) => (i % 4 ? value : 0)),
          });
      return { ...source, graph };
    });
    const asked = { ...tinyRecipe, sparse: true };
    const { report } = await mergeModels({ ...options, sources, recipe: recipe.parse(asked) });
    const [note = ''] = report.notes;
    expect(note).toMatch(
      /^\d\d\.\d % of the weights are not 0; in the separate networks: "left" 74\.9 %, "right" 74\.9 %$/,
    );
    expect(Number.parseFloat(note)).toBeLessThan(85);
  });

  it('says whose accuracy nobody checked after the weights were rounded', async () => {
    const [left, right] = options.sources;
    if (!left || !right) throw new Error('There are two sources');
    const asked = { ...tinyRecipe, storage: 'float16' as const };
    const { report } = await mergeModels({
      ...options,
      sources: [left, { ...right, validation: null }],
      recipe: recipe.parse(asked),
    });
    expect(report.notes).toContain('float16: accuracy of "right" not checked: no held-out samples');
  });

  it('that cannot be stored as it was asked goes on from its checkpoint as another type, and zips nothing again', async () => {
    const graph = closeCall(1, { uneven: true });
    const held = await rightly(graph, 400, 2, { uneven: true });
    const source = { graph, labels: [], train: held, validation: held };
    const model = { name: 'close', sha256: 'a'.repeat(64), sizeBytes: 1000 };
    let saved: Pieces | undefined;
    const merge = (storage: 'int8' | 'float32', seen: string[] = []) =>
      mergeModels({
        ...options,
        sources: ['left', 'right'].map((task) => ({ ...source, task, model })),
        recipe: recipe.parse({
          ...tinyRecipe,
          retraining: { ...tinyRecipe.retraining, learningRate: 1e-9 },
          ...{ storage, maxStorageDrop: storage === 'int8' ? 0 : 0.005 },
        }),
        checkpoint: {
          load: () => Promise.resolve(saved),
          save: (bytes) => ((saved = bytes), Promise.resolve()),
        },
        onProgress: ({ stage }) => seen.push(stage),
      });
    await expect(merge('int8')).rejects.toThrow(/^Cannot quantise: "(left|right)" drops from /);
    const stages: string[] = [];
    const { report } = await merge('float32', stages);
    expect(stages).not.toContain('retrain');
    expect(stages).not.toContain('share');
    expect(report.retraining?.iterations).toBe(6);
  });

  it('tells in a report what became of the networks, and puts it into the bundle without what differs each time', () => {
    const { bundle, report } = merged;
    expect(reportSchema.parse(report)).toEqual(report);
    expect(report).toMatchObject({ name: 'pair', wiring: 'one-way', retraining: { iterations: 12 } });
    for (const { accuracy, confusion, labels } of report.tasks) {
      expect(labels).toEqual(tinyLabels);
      const right = confusion?.after?.reduce((sum, row, label) => sum + (row[label] ?? 0), 0) ?? NaN;
      expect(accuracy).toMatchObject({ after: right / 12, samples: 12 });
    }
    expect(report.plan.map(({ name, blocks }) => [name, blocks])).toEqual([
      ['conv1', [{ tasks: ['left', 'right'], channels: 4 }]],
      ['conv2', [{ tasks: ['left', 'right'], channels: 6 }]],
      ['fc1', [{ tasks: ['left', 'right'], channels: 10 }]],
      [
        'fc2',
        [
          { tasks: ['left'], channels: 3 },
          { tasks: ['right'], channels: 3 },
        ],
      ],
    ]);
    const { trunk, heads, files } = bundle.manifest;
    const parts = [...(trunk ? [trunk] : []), ...heads];
    expect(report.figures).toMatchObject({
      parameters: { zipped: parts.reduce((sum, { parameters }) => sum + parameters, 0) },
      macs: { zipped: parts.reduce((sum, { macs }) => sum + macs, 0) },
      bytes: {
        zipped: files
          .filter(({ path }) => !path.startsWith('report.'))
          .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      },
    });
    expect(report.environment?.seconds).toBeGreaterThan(0);
    const { latencyMs, heapBytes, ...figures } = report.figures;
    expect(latencyMs?.separate).toBeGreaterThan(0);
    expect(latencyMs?.zipped).toBeGreaterThan(0);
    expect(heapBytes?.zipped).toBeLessThan(heapBytes?.separate ?? NaN);
    const same: Partial<typeof report> = { ...report, figures: { ...figures, heapBytes } };
    delete same.environment;
    const stored: unknown = JSON.parse(
      new TextDecoder().decode(bundle.files.get(bundle.manifest.report?.json ?? '')),
    );
    expect(stored).toEqual(same);
  });

  it('tells of every merge the predicted curve, where the bundle lies on it and how far its answers are', () => {
    const { tradeoff, figures, notes } = merged.report;
    const { predicted = [], measured = [], chosen } = tradeoff ?? {};
    expect(tradeoff).toMatchObject({ of: 'bytes' });
    expect(notes.join()).not.toContain('No loss was predicted');
    // All is shared: the plan is where the curve begins.
    expect(chosen).toEqual(predicted[0]);
    expect(chosen).toMatchObject({ bytes: figures.bytes?.zipped, macs: figures.macs?.zipped });
    const last = predicted.at(-1);
    expect(last).toMatchObject({ loss: 0, macs: figures.macs?.separate });
    expect((last?.bytes ?? 0) - (chosen?.bytes ?? 0)).toBe(
      4 * ((figures.parameters?.separate ?? 0) - (figures.parameters?.zipped ?? 0)),
    );
    expect(measured).toEqual([{ ...chosen, loss: measured[0]?.loss, label: 'after retraining' }]);
    expect(measured[0]?.loss).toBeGreaterThan(0);
    const page = new TextDecoder().decode(merged.bundle.files.get('report.html'));
    expect(page).toContain('Beside it stands what was measured');
  });

  it('draws the curve in what the budget is of, as it is stored, and says where the budget lies', async () => {
    const half = { ...tinyRecipe, storage: 'float16', budget: { of: 'parameters', atMost: 0.8 } };
    const { report } = await mergeModels({ ...options, recipe: recipe.parse(half) });
    const { tradeoff: stored, figures } = report;
    expect(stored?.chosen?.bytes).toBe(figures.bytes?.zipped);
    expect(stored?.chosen?.bytes).toBeLessThanOrEqual(stored?.budgetBytes ?? 0);
    const parameters = figures.parameters ?? { separate: 0, zipped: 0 };
    expect(parameters.zipped).toBeLessThanOrEqual(0.8 * parameters.separate);
    expect((stored?.budgetBytes ?? 0) - (stored?.chosen?.bytes ?? 0)).toBe(
      2 * (Math.floor(0.8 * parameters.separate) - parameters.zipped),
    );
    const work = { ...tinyRecipe, budget: { of: 'macs', atMost: 0.8 } };
    const { report: ofMacs, bundle } = await mergeModels({ ...options, recipe: recipe.parse(work) });
    const { tradeoff, figures: worked } = ofMacs;
    expect(tradeoff).toMatchObject({
      of: 'macs',
      budgetMacs: Math.floor(0.8 * (worked.macs?.separate ?? 0)),
      chosen: { macs: worked.macs?.zipped },
    });
    const sizes = tradeoff?.predicted.map(({ macs = 0 }) => macs) ?? [];
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    const page = new TextDecoder().decode(bundle.files.get('report.html'));
    expect(page).toContain('Loss against multiply-adds');
  });

  it('tells the losses layer by layer: the first and the last of each in a table, and bands in the drawing', () => {
    const { history } = merged.report.retraining ?? { history: [] };
    // Three steps after each layer, and three more after the last.
    expect(history.map(({ step, stage }) => [stage, step])).toEqual([
      ['conv1', 1],
      ['conv1', 3],
      ['conv2', 4],
      ['conv2', 6],
      ['fc1', 7],
      ['fc1', 12],
    ]);
    const page = new TextDecoder().decode(merged.bundle.files.get('report.html'));
    const [, table = ''] = page.split('First and last losses of each stage');
    const rows = table.split('</table>')[0]?.match(/<tr>\s*<th[^>]*>(conv1|conv2|fc1)/g) ?? [];
    expect(rows).toHaveLength(6);
  });

  it('says what was not zipped and why, and of how many samples it tells', async () => {
    expect(merged.report.unzipped).toEqual([{ what: 'fc2', reason: 'its channels are the logits' }]);
    expect(merged.report.tasks.map(({ samples }) => samples)).toEqual(
      Array(2).fill({ train: 36, validation: 12 }),
    );
    const [left, right] = options.sources;
    if (!left || !right) throw new Error('There are two sources');
    const asked = { ...tinyRecipe, share: { conv1: { share: 1 } } };
    const { report, bundle } = await mergeModels({
      ...options,
      sources: [left, { ...right, validation: null }],
      recipe: recipe.parse(asked),
    });
    expect(report.unzipped).toEqual([
      { what: 'conv2', reason: 'the recipe shares none of it' },
      { what: 'fc1', reason: 'the recipe shares none of it' },
      { what: 'fc2', reason: 'its channels are the logits' },
    ]);
    const page = new TextDecoder().decode(bundle.files.get('report.html')).replaceAll(/\s+/g, ' ');
    expect(page).toContain('What was not zipped');
    expect(page).toContain('right is not counted: no samples are held out.');
    expect(page).toContain('Held out');
    expect(page).not.toContain('Trained on');
  });

  it('tells what early stopping saw, and where it ended the steps', async () => {
    const stopping = { every: 1, patience: 2, minDelta: 1, metric: 'accuracy' as const };
    const ask = async (metric: 'accuracy' | 'loss') =>
      mergeModels({
        ...options,
        recipe: recipe.parse({
          ...tinyRecipe,
          retraining: {
            ...tinyRecipe.retraining,
            finalSteps: 6,
            earlyStopping: { ...stopping, metric, minDelta: 9 },
          },
        }),
      });
    const { report, bundle } = await ask('accuracy');
    // Nothing is better by so much than the first look, before any step.
    expect(report.retraining?.iterations).toBe(3 * 2);
    const events = report.retraining?.events ?? [];
    expect(events.map(({ step, kind }) => `${kind} ${step ?? ''}`)).toEqual([
      'early-stop 2',
      'early-stop 4',
      'early-stop 6',
    ]);
    const planned = { conv1: 3, conv2: 3, fc1: 9 };
    for (const [index, [layer, steps]] of Object.entries(planned).entries())
      expect(events[index]?.message).toMatch(
        new RegExp(
          `^Retraining after ${layer} stopped at step 2 of ${steps}: no better since step 0, whose network is kept \\(mean accuracy [\\d.]+ % on validation samples\\)$`,
        ),
      );
    const looks = report.retraining?.validation.map(({ stage, step }) => [stage, step]);
    expect(looks).toEqual([
      ...[0, 1, 2].map((step) => ['conv1', step]),
      ...[2, 3, 4].map((step) => ['conv2', step]),
      ...[4, 5, 6].map((step) => ['fc1', step]),
    ]);
    expect(new TextDecoder().decode(bundle.files.get('report.html'))).toContain('early-stop');

    const byLoss = await ask('loss');
    expect(byLoss.report.retraining?.validation).toHaveLength(3);
    expect(byLoss.report.retraining?.validationLosses).toHaveLength(9);
    expect(new TextDecoder().decode(byLoss.bundle.files.get('report.html'))).toContain(
      'Losses on validation samples',
    );
  });

  it('makes the same bundle of the same again', async () => {
    expect((await mergeModels(options)).bundle.id).toBe(merged.bundle.id);
  });

  it('makes the same bundle when it was stopped in the middle and goes on from its checkpoint', async () => {
    let saved: Pieces | undefined;
    const stop = new AbortController();
    const checkpoint = {
      load: () => Promise.resolve(saved),
      save(pieces: Pieces) {
        saved ??= pieces;
        stop.abort(new Error('killed'));
        return Promise.resolve();
      },
    };
    await expect(mergeModels({ ...options, checkpoint, signal: stop.signal })).rejects.toThrow('killed');
    const layers = new Set<string>();
    const resumed = await mergeModels({
      ...options,
      checkpoint,
      onProgress: ({ stage, layer = '' }) => stage === 'retrain' && layers.add(layer),
    });
    expect([...layers]).toEqual(['conv2', 'fc1']);
    expect(resumed.bundle.id).toBe(merged.bundle.id);
  });

  it('tells where it is, stage by stage', () => {
    const stages = progress.map(({ stage }) => stage).filter((stage, index, all) => stage !== all[index - 1]);
    expect(stages[0]).toBe('evaluate');
    expect(stages).toContain('retrain');
    expect(stages.slice(-4)).toEqual(['evaluate', 'export', 'judged', 'time']);
    const after = merged.report.tasks.map(({ task, accuracy }) => [task, accuracy?.after] as const);
    expect(progress.find(({ stage }) => stage === 'judged')).toEqual({
      stage: 'judged',
      accuracy: Object.fromEntries(after),
    });
    const steps = progress.filter(({ stage }) => stage === 'retrain');
    expect(Object.keys(steps[0]?.losses ?? {})).toEqual(['left', 'right']);
  });

  it('tells in the report which floors were broken, what was undone, and what went with it', async () => {
    // Its own network is always right; spoiled, the first layer is undone until it shares nothing, and with it what reads it.
    const asked = { ...tinyRecipe, floors: { accuracy: { right: 1 }, maxDrop: 0.25 } };
    const spoiled = { ...asked.retraining, learningRate: 1 };
    const right = await taught('right', tinyNet(2), 5);
    const { report, bundle } = await mergeModels({
      ...options,
      sources: options.sources.map((source) => (source.task === 'right' ? { ...source, ...right } : source)),
      recipe: recipe.parse({ ...asked, retraining: spoiled }),
    });
    const [left] = report.tasks;
    expect(report.retraining?.floors).toEqual({
      left: Math.max(0, (left?.accuracy?.before ?? NaN) - 0.25),
      right: 1,
    });
    const messages = report.retraining?.events.map(({ kind, message }) => `${kind}: ${message}`) ?? [];
    expect(messages[0]).toMatch(
      /^rollback: After conv1: .*right fell to [\d.]+ %, its floor is 100\.00 %; conv1 shares 2 channels instead of 4$/,
    );
    expect(report.retraining?.events[0]?.step).toBe(asked.retraining.stepsPerLayer);
    expect(messages[1]).toMatch(/; conv1 shares 1 channel instead of 2$/);
    expect(messages[2]).toMatch(/; conv1 shares 0 channels instead of 1$/);
    expect(messages.slice(3)).toEqual(
      ['conv2', 'fc1'].map(
        (group) =>
          `rollback: ${group} shares no channel either: what it would read of the layers before is not shared any more`,
      ),
    );
    expect(bundle.manifest.sharing).toEqual([]);
    // Nothing is shared in the end, whatever was planned.
    expect(report.tradeoff?.chosen).toEqual({
      bytes: report.figures.bytes?.zipped,
      macs: report.figures.macs?.separate,
      loss: 0,
    });
    const page = new TextDecoder().decode(bundle.files.get('report.html'));
    expect(page).toContain('What did not go as planned');
    expect(page).toContain('conv1 shares 0 channels instead of 1');
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const stopping = mergeModels({
      ...options,
      signal: stop.signal,
      onProgress: ({ stage }) => {
        if (stage === 'retrain') stop.abort(new Error('enough'));
      },
    });
    await expect(stopping).rejects.toThrow('enough');
  });

  it('refuses networks that do not fit their data', async () => {
    const [first, second] = options.sources;
    if (!first || !second) throw new Error('There are two sources');
    const wide = { ...second, train: { ...second.train, sampleDims: [1, 24, 6] } };
    await expect(mergeModels({ ...options, sources: [first, wide] })).rejects.toThrow(/\[1,24,6\]|12/);
  });
});
