import { beforeAll, describe, expect, it, test } from 'vitest';
import type { Pieces } from '../../../gpu-runner/engine/pieces.ts';
import type { Bundle } from '../../../gpu-runner/bundle/bundle.ts';
import { openBundle } from '../../../gpu-runner/bundle/openBundle.ts';
import { packModel } from '../../../gpu-runner/bundle/export.ts';
import { withoutTask } from '../../../gpu-runner/bundle/unzip.ts';
import { mergedBefore } from '../../../gpu-runner/runner/mergedBefore.ts';
import { mergeModels } from '../../../gpu-runner/runner/mergeModels.ts';
import type { Merged, MergeOptions, MergeSource } from '../../../gpu-runner/runner/mergeOptions.ts';
import { recipe as recipeSchema, type Recipe, type RecipeInput } from '../../../shared/recipe.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { answerOf, largestGap, randomInput } from '../mtz/nets.ts';
import { randomSamples } from '../mtz/networks.ts';
import { lenet } from '../mtz/nets/lenet.ts';

const source = (task: string, seed: number): MergeSource => ({
  ...{ task, graph: lenet({ seed }), labels: ['a', 'b', 'c'] },
  ...{ train: randomSamples([1, 12, 12], 24, seed), validation: randomSamples([1, 12, 12], 12, 50 + seed) },
  model: { name: `${task}-net`, sha256: String(seed).repeat(64), sizeBytes: 1000 },
});
const sources = ['digit', 'fashion', 'letter', 'sign'].map((task, index) => source(task, index + 1));

const recipeOf = (asked: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({
    wiring: 'one-way',
    share: { share: 0.5 },
    gramSamples: 24,
    retraining: { stepsPerLayer: 2, finalSteps: 1, batchSize: 8, learningRate: 0.003 },
    ...asked,
  });

const still = { retraining: { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.003 } };

const merge = (tasks: number, recipe: Recipe, more: Partial<MergeOptions> = {}): Promise<Merged> =>
  mergeModels({
    ...{ name: 'grown', createdAt: new Date('2026-01-02T00:00:00Z'), preprocessing: 'none' },
    ...{ provider: 'cpu', sources: sources.slice(0, tasks), recipe, ...more },
  });

const image = randomInput([4, 1, 12, 12], 7);

async function answersOf({ manifest, files }: Bundle): Promise<Record<string, ArrayLike<number>>> {
  const open = await openBundle(manifest, files, { provider: 'cpu' });
  const answers = await open.run({ [manifest.inputs[0]?.name ?? '']: image });
  await open.release();
  return Object.fromEntries(
    Object.entries(answers).map(([task, answer]) => [task, (answer as Tensor<'float32'>).data]),
  );
}

describe('a bundle of two tasks', () => {
  const recipe = recipeOf();
  let two: Bundle;
  let three: Merged;
  beforeAll(async () => {
    two = (await merge(2, recipe)).bundle;
    three = await merge(3, recipe, { before: mergedBefore(two) });
  });

  it('is extended by a third, through the same export and with the same report', () => {
    const { bundle, report } = three;
    expect(bundle.manifest.heads.map(({ task }) => task)).toEqual(['digit', 'fashion', 'letter']);
    expect(bundle.manifest.lineage.models.map(({ name }) => name)).toEqual([
      'digit-net',
      'fashion-net',
      'letter-net',
    ]);
    // Three layers, two steps each and one more: of the merge, and of the extension.
    expect([two, bundle].map(({ manifest }) => manifest.lineage.retrainingSteps)).toEqual([7, 14]);
    expect(bundle.manifest.parity.maxAbsDifference).toBeLessThan(1e-4);
    for (const { channels } of bundle.manifest.sharing)
      for (const channel of channels)
        expect(Object.keys(channel).sort()).toEqual(['digit', 'fashion', 'letter']);
    // What the first two share stays as it is.
    const pairs = ({ manifest }: Bundle) =>
      manifest.sharing.map(({ layer, channels }) => [
        layer,
        channels.map(({ digit, fashion }) => `${digit} ${fashion}`).sort(),
      ]);
    expect(pairs(bundle)).toEqual(pairs(two));
    expect(report.tradeoff).toBeUndefined();
    expect(report.notes.at(-1)).toBe(
      'No loss was predicted: it can be for networks that share nothing yet only.',
    );
    expect(report.notes[0]).toBe(
      `"letter" was added to bundle ${two.id.slice(0, 12)} of digit, fashion, which had 7 steps of retraining.`,
    );
    expect(report.retraining?.iterations).toBe(7);
  });

  it('is extended to the same bundle when it was stopped in the middle and goes on', async () => {
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
    const before = mergedBefore(two);
    await expect(merge(3, recipe, { before, checkpoint, signal: stop.signal })).rejects.toThrow('killed');
    expect((await merge(3, recipe, { before, checkpoint })).bundle.id).toBe(three.bundle.id);
    // Other weights: another extension.
    const [name = '', tensor] = [...before.weights].find(([, { dtype }]) => dtype === 'float32') ?? [];
    if (tensor?.dtype !== 'float32') throw new Error('there are weights');
    const data = tensor.data.map((value) => value + 0.5);
    const other = { ...before, weights: new Map(before.weights).set(name, { ...tensor, data }) };
    await expect(merge(3, recipe, { before: other, checkpoint })).rejects.toThrow(
      'Cannot resume: the checkpoint belongs to a zip of other networks, data or recipe',
    );
  });

  it('cannot be extended by what does not fit it', async () => {
    const before = mergedBefore(two);
    const [digit, fashion, letter] = sources;
    if (!digit || !fashion || !letter) throw new Error('there are four');
    await expect(merge(3, recipe, { before, sources: [fashion, digit, letter] })).rejects.toThrow(
      'Cannot extend: the networks before the last are of fashion, digit, the bundle was merged from digit, fashion',
    );
    await expect(merge(3, recipeOf({ wiring: 'crossed' }), { before })).rejects.toThrow(
      'Cannot add "letter": the bundle is one-way, the recipe says crossed',
    );
    const budget = recipeOf({ budget: { of: 'macs', atMost: 0.8 } });
    await expect(merge(3, budget, { before })).rejects.toThrow('Cannot add "letter" under a budget of macs');
    await expect(merge(3, recipeOf({ batchNorm: 'per-task' }), { before })).rejects.toThrow(
      'Cannot add "letter": the bundle was zipped with batch norm fold, the recipe says per-task',
    );
  });
});

test.each<[string, Partial<RecipeInput>, Partial<RecipeInput>]>([
  ['sharing less than before', {}, { share: { share: 0.25 } }],
  ['crossed', { wiring: 'crossed' }, { wiring: 'crossed' }],
])('a bundle is extended twice, %s', async (_name, asked, next) => {
  const { bundle: two } = await merge(2, recipeOf({ ...still, ...asked }));
  const recipe = recipeOf({ ...still, ...asked, ...next });
  const { bundle: three } = await merge(3, recipe, { before: mergedBefore(two) });
  const { bundle: four } = await merge(4, recipe, { before: mergedBefore(three) });
  expect(four.manifest.heads).toHaveLength(4);
  expect(four.manifest.parity.maxAbsDifference).toBeLessThan(1e-4);
});

test.each(['one-way', 'crossed'] as const)(
  'a bundle that a task was taken out of, %s, can be extended',
  async (wiring) => {
    const { bundle: three } = await merge(3, recipeOf({ ...still, wiring }));
    const rest = await withoutTask(three, 'fashion', { name: 'rest', createdAt: new Date(0) });
    const [digit, fashion, letter] = sources;
    if (!digit || !fashion || !letter) throw new Error('there are four');
    const again = await merge(3, recipeOf({ ...still, wiring, share: { share: 0 } }), {
      before: mergedBefore(rest),
      sources: [digit, letter, fashion],
    });
    // Nothing is shared with what was added: it answers as its own network, the others as they did.
    const [now, was] = [await answersOf(again.bundle), await answersOf(three)];
    for (const task of ['digit', 'letter'])
      expect(largestGap(now[task] ?? [], was[task] ?? [NaN])).toBeLessThan(1e-5);
    expect(largestGap(now.fashion ?? [], await answerOf(fashion.graph, image))).toBeLessThan(1e-5);
  },
);

test.each(['one-way', 'crossed'] as const)(
  'a bundle is extended, %s, by a network that does something else from its second layer on, and without a task again',
  async (wiring) => {
    const recipe = recipeOf({ ...still, wiring });
    const [digit, fashion, letter, sign] = sources;
    if (!digit || !fashion || !letter || !sign) throw new Error('there are four');
    const bent = { ...letter, graph: lenet({ seed: 3 }) };
    for (const node of bent.graph.nodes.filter(({ op }) => op === 'Relu').slice(1)) node.op = 'Tanh';
    const { bundle: two } = await merge(2, recipe);
    const { bundle: three, report } = await merge(3, recipe, {
      before: mergedBefore(two),
      sources: [digit, fashion, bent],
    });
    expect(report.unzipped.filter(({ task, what }) => task === 'letter' && what === 'fc1')).toHaveLength(1);
    expect(report.notes.filter((note) => note.includes('stays in its head'))).toEqual([
      '"digit" has Relu "Relu_1", "letter" Tanh "Relu_1": from there on "letter" stays in its head. "letter" has 2 of the 4 layers that the others have in common; the others keep fc1 among themselves: what they share there is stored once and computed by each',
    ]);
    const was = await answersOf(three);
    const none = recipeOf({ ...still, wiring, share: { share: 0 } });
    const without = (gone: string): Promise<Bundle> =>
      withoutTask(three, gone, { name: 'rest', createdAt: new Date(0) });
    const { bundle: again } = await merge(3, none, {
      before: mergedBefore(await without('letter')),
      sources: [digit, fashion, sign],
    });
    const now = await answersOf(again);
    for (const task of ['digit', 'fashion'])
      expect(largestGap(now[task] ?? [], was[task] ?? [NaN])).toBeLessThan(1e-5);
    const rest = await without('digit');
    const left = await answersOf(rest);
    for (const task of ['fashion', 'letter'])
      expect(largestGap(left[task] ?? [], was[task] ?? [NaN])).toBeLessThan(1e-5);
    // What "fashion" shared with "digit" only lies beside its own, and not as one.
    await expect(
      merge(3, none, { before: mergedBefore(rest), sources: [fashion, bent, sign] }),
    ).rejects.toThrow(/^Cannot extend: .* zip the networks anew$/);
  },
);

describe('mergedBefore() refuses a bundle', () => {
  it.each(['float16', 'int8'] as const)('stored as %s', async (storage) => {
    const { bundle } = await merge(2, recipeOf({ ...still, storage, maxStorageDrop: 1 }));
    expect(() => mergedBefore(bundle)).toThrow(
      `Cannot extend bundle "grown": its weights are stored as ${storage}, rounded after they were trained`,
    );
  });

  it('that no merge made, or with a single task left', async () => {
    const alone = await packModel({
      ...{ name: 'alone', task: 'digit', graph: lenet({ seed: 1 }), labels: [], accuracy: null },
      ...{ sha256: '0'.repeat(64), preprocessing: 'none' },
    });
    expect(() => mergedBefore(alone)).toThrow(
      'Cannot extend bundle "alone": it was packed as it is, not merged',
    );
    const { bundle } = await merge(2, recipeOf(still));
    const rest = await withoutTask(bundle, 'digit', { name: 'rest', createdAt: new Date(0) });
    expect(() => mergedBefore(rest)).toThrow('Cannot extend bundle "rest": only "fashion" is in it');
  });
});
