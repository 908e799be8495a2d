import { describe, expect, it } from 'vitest';
import { joinSources } from '../../gpu-runner/mtz/joinSources.ts';
import { planJob } from '../../gpu-runner/runner/work/planJob.ts';
import type { DatasetDocument } from '../../shared/dataset.ts';
import type { ModelInspection } from '../../shared/inspection.ts';
import { mergeRequest, planResult, type PlanResult } from '../../shared/jobs.ts';
import { pixelsTo1 } from '../../shared/preprocessing.ts';
import { recipe, type Storage } from '../../shared/recipe.ts';
import { limitOf, planWithin } from '../../gpu-runner/mtz/budget.ts';
import {
  checkSources,
  isMergeable,
  unlabelledOf,
  type KnownSource,
} from '../../workers/portal/src/pages/merge/compatibility.ts';
import {
  checkForm,
  emptyForm,
  guessData,
  presetOf,
  presets,
  refusedField,
  requestOf,
  suggestedName,
} from '../../workers/portal/src/pages/merge/mergeForm.ts';
import {
  barsOf,
  curveOf,
  placeAt,
  savedAt,
  savingOf,
  placeWithin,
  typedAt,
  whyUnkeepable,
} from '../../workers/portal/src/pages/merge/planView.ts';
import { budgetOf } from '../../workers/portal/src/pages/merge/typedBudget.ts';
import { claimOf } from '../gpu-runner/runner/jobs.ts';
import { testContext } from '../gpu-runner/runner/work/context.ts';
import { tinyMerge, tinyNet, tinyRecipe } from '../gpu-runner/runner/work/tinyTask.ts';

const inspection = (change: Partial<ModelInspection> = {}): ModelInspection => ({
  ...{ format: 'trunkline.inspection/1', kind: 'model', parameters: 1, macs: 1, operators: {}, problems: [] },
  inputs: [{ name: 'x', dtype: 'float32', dims: [-1, 1, 4, 4] }],
  outputs: [{ name: 'logits', dtype: 'float32', dims: [-1, 2] }],
  groups: [{ name: 'conv', channels: 4, shareable: true, reason: null }],
  ...change,
});
const dataDocument = (labels: string[], layout: [1 | 3, number, number] = [1, 4, 4]): DatasetDocument => ({
  ...{ format: 'trunkline.dataset/1', files: [], allowBad: 0.01, split: { validation: 0.2, seed: 1 } },
  source: { kind: 'npz', file: 'a.npz', x: 'x', y: 'y' },
  ...{ labels, preprocessing: pixelsTo1(layout) },
});
const source = (
  task: string,
  {
    model = {},
    labels = ['a', 'b'],
    data = dataDocument(['a', 'b']),
  }: {
    model?: Partial<ModelInspection> | null;
    labels?: string[];
    data?: DatasetDocument;
  } = {},
): KnownSource => ({
  task,
  model: {
    ref: `${task}@1`,
    document: { format: 'trunkline.model/1', files: [], labels },
    inspection: model === null ? null : inspection(model),
  },
  data: { ref: `${task}-data@1`, document: data, inspection: null },
});
const bad = (sources: readonly KnownSource[]): string[] =>
  checkSources(sources).flatMap(({ tone, text }) => (tone === 'bad' ? [text] : []));

describe('checkSources()', () => {
  it('finds that networks go together, and says what can be shared', () => {
    const sources = [source('left'), source('right')];
    expect(isMergeable(sources)).toBe(true);
    expect(
      checkSources(sources)
        .filter(({ tone }) => tone === 'good')
        .map(({ text }) => text),
    ).toEqual([
      'All networks read float32 [-1, 1, 4, 4].',
      'Each network has 1 group of channels that can be shared.',
    ]);
  });

  it('refuses what the service would refuse, with the numbers', () => {
    expect(bad([source('left'), source('left')])).toEqual([
      'Two networks are of task "left": each task can be merged once.',
    ]);
    expect(bad([source('left', { labels: ['a', 'b', 'c'] }), source('right')])).toEqual([
      'left: left@1 has 3 labels, left-data@1 has 2.',
    ]);
    const many = dataDocument(['a', 'b', 'c']);
    expect(bad([source('left', { labels: [], data: many }), source('right')])).toEqual([
      'left: left@1 answers 2 classes, left-data@1 has 3 labels.',
    ]);
    expect(bad([source('left', { data: dataDocument(['a', 'b'], [1, 8, 8]) }), source('right')])).toEqual([
      'left: left@1 reads [1, 4, 4], a sample of left-data@1 is [1, 8, 8].',
    ]);
    const grey = source('left');
    const colour = source('right', {
      model: { inputs: [{ name: 'x', dtype: 'float32', dims: [-1, 3, 4, 4] }] },
      data: dataDocument(['a', 'b'], [3, 4, 4]),
    });
    expect(bad([grey, colour])).toEqual([
      'left@1 reads float32 [-1, 1, 4, 4], right@1 reads float32 [-1, 3, 4, 4]: networks of one merge read the same input.',
    ]);
  });

  it('lets a merge be asked for although nobody has read the networks yet', () => {
    const sources = [source('left', { model: null }), source('right')];
    expect(isMergeable(sources)).toBe(true);
    expect(checkSources(sources).some(({ text }) => text.startsWith('left@1 has not been read'))).toBe(true);
    expect(isMergeable([source('left')])).toBe(false);
    expect(isMergeable([source('left'), { task: 'right', model: null, data: null }])).toBe(false);
  });

  it('warns of networks of which nothing can be shared', () => {
    const none = { groups: [{ name: 'conv', channels: 4, shareable: false, reason: 'it is the answer' }] };
    expect(
      checkSources([source('left', { model: none }), source('right')]).map(({ text }) => text),
    ).toContain('One of the networks has no channels that can be shared: its page says why.');
  });
});

const filled = {
  ...emptyForm,
  name: 'both',
  sources: [
    { key: 1, task: 'left', model: 'left@1', data: 'left-data@1', floor: '' },
    { key: 2, task: 'right', model: 'right@1', data: 'right-data@1', floor: '' },
  ],
};

describe('the form of a merge', () => {
  it('has defaults that the service takes as they are', () => {
    expect(checkForm(filled)).toEqual({});
    const request = mergeRequest.parse(requestOf(filled));
    expect(request).toMatchObject({
      name: 'both',
      publish: false,
      recipe: { wiring: 'one-way', batchNorm: 'fold', storage: 'float32' },
    });
    expect(request.recipe.retraining).toMatchObject({ stepsPerLayer: 100, finalSteps: 540, distillation: 1 });
    expect(request.recipe.floors).toBeUndefined();
    const crossed = mergeRequest.parse(requestOf({ ...filled, wiring: 'crossed' }));
    expect(crossed.recipe.batchNorm).toBe('per-task');
  });

  it('says what is wrong, by field', () => {
    const form = {
      ...filled,
      name: 'No',
      stepsPerLayer: '1.5',
      learningRate: '',
      publish: true,
      maxDrop: '101',
    };
    expect(Object.keys(checkForm(form)).toSorted()).toEqual(
      ['endpoint', 'learningRate', 'maxDrop', 'name', 'stepsPerLayer'].toSorted(),
    );
  });

  it('turns points and percent into fractions, and names the endpoint only where one is meant', () => {
    const form = { ...filled, maxDrop: '1.5', distillation: '50', endpoint: 'shop', publish: true };
    const { recipe: asked, ...request } = mergeRequest.parse(requestOf(form));
    expect(asked.floors?.maxDrop).toBeCloseTo(0.015, 12);
    expect(asked.retraining.distillation).toBe(0.5);
    expect(request).toMatchObject({ endpoint: { name: 'shop' }, publish: true });
    expect(requestOf(filled).endpoint).toBeUndefined();
  });

  it.each([
    ['parameters', '60', { of: 'parameters', atMost: 0.6 }],
    ['macs', '55.5', { of: 'macs', atMost: 0.555 }],
    ['bytes', '2.5', { of: 'bytes', atMostBytes: 2_621_440 }],
    ['heap', '64', { of: 'heap', atMostBytes: 67_108_864 }],
  ] as const)('asks for a budget of %s by a number: %s', (of, budget, asked) => {
    const form = { ...filled, budgetOf: of, budget };
    expect(checkForm(form)).toEqual({});
    expect(mergeRequest.parse(requestOf(form)).recipe.budget).toEqual(asked);
    expect(requestOf({ ...form, budget: ' ' }).recipe.budget).toBeUndefined();
  });

  it.each([
    ['parameters', '101', 'Enter a number from 0 to 100.'],
    ['macs', 'half', 'Enter a number from 0 to 100.'],
    ['bytes', '0', 'Enter a number of MiB above 0, e.g. 2.5.'],
    ['heap', '64 MiB', 'Enter a number of MiB above 0, e.g. 2.5.'],
  ] as const)('refuses a budget of %s that is %j', (of, budget, why) => {
    expect(checkForm({ ...filled, budgetOf: of, budget })).toEqual({ budget: why });
  });

  it('holds tasks to accuracies of their own, the others to a drop', () => {
    const [left, right] = filled.sources;
    if (!left || !right) throw new Error('there are two');
    const form = { ...filled, maxDrop: '2', sources: [{ ...left, floor: '98.5' }, right] };
    expect(checkForm(form)).toEqual({});
    const { floors } = mergeRequest.parse(requestOf(form)).recipe;
    expect(floors).toEqual({ maxDrop: 0.02, accuracy: { left: 0.985 } });
    expect(checkForm({ ...form, sources: [{ ...left, floor: '985' }, right] })).toEqual({
      floors: 'Enter a number from 0 to 100.',
    });
  });

  it('asks nothing of a task without labels that takes labels', () => {
    const bare = dataDocument(['a', 'b']);
    const held: DatasetDocument['source'] = { kind: 'npz', file: 'a.npz', x: 'x', y: null };
    const known = [source('left', { data: { ...bare, source: held } }), source('right')];
    expect(isMergeable(known)).toBe(true);
    expect(checkSources(known).map(({ text }) => text)).toContain(
      "left: left-data@1 has no labels. The task learns from its own network's answers. What is measured is how many answers stay those of its own network, not accuracy.",
    );
    const unlabelled = unlabelledOf(known);
    expect(unlabelled).toEqual({ trained: ['left'], judged: ['left'] });
    const form = {
      ...filled,
      distillation: '99',
      sources: filled.sources.map((one) => ({ ...one, floor: '90' })),
    };
    expect(checkForm(form)).toEqual({});
    expect(checkForm(form, unlabelled)).toEqual({
      distillation: 'Enter 100: the data of "left" have no labels.',
    });
    expect(checkForm({ ...form, stepsPerLayer: '0', finalSteps: '0' }, unlabelled)).toEqual({});
    expect(requestOf(form, unlabelled).recipe.floors).toEqual({ accuracy: { right: 0.9 } });

    const split = { source: held };
    expect(unlabelledOf([source('left', { data: { ...bare, split } })])).toEqual({
      trained: [],
      judged: ['left'],
    });
  });

  it.each([
    [
      'Cannot POST /v1/merges: the body is wrong: recipe.budget.atMostBytes: Too small: expected number to be >0.',
      'budget',
    ],
    ['Cannot merge into "both": recipe.floors.accuracy.left: no source is of that task.', 'floors'],
    [
      'Cannot merge into "both": recipe.floors: data set "x@1" of task "left" holds no samples out to measure accuracy on.',
      'maxDrop',
    ],
    [
      'Cannot merge into "both": recipe.retraining.distillation: data set "x@1" of task "left" has no labels to retrain by, set it to 1.',
      'distillation',
    ],
    ['Cannot merge into "both": the endpoint name "shop" is taken by another project.', 'endpoint'],
    ['Cannot merge into "both": two sources are of task "left".', null],
  ])('knows which field a refusal is about: %s', (message, field) => {
    expect(refusedField(message)).toBe(field);
  });

  it('knows presets by their numbers, names bundles after tasks, and data after its task', () => {
    for (const { id, stepsPerLayer, finalSteps } of presets)
      expect(presetOf({ ...filled, stepsPerLayer, finalSteps })).toBe(id);
    expect(presetOf({ ...filled, finalSteps: '7' })).toBeNull();
    expect(suggestedName(filled.sources)).toBe('left-right');
    expect(suggestedName(emptyForm.sources)).toBe('');
    const sets = ['other', 'my-digit-set', 'digit-data'].map((name) => ({ name }));
    expect(guessData('digit', sets)).toBe('digit-data');
    expect(guessData('digit', sets.slice(0, 2))).toBe('my-digit-set');
    expect(guessData('fashion', sets)).toBeNull();
  });
});

describe('a plan on the page', () => {
  let known: PlanResult | undefined;
  /** Of two tiny networks, by the runner's own code. */
  const plan = async (): Promise<PlanResult> => {
    if (known) return known;
    const context = await testContext(({ add }) => {
      const claim = claimOf({ ...tinyMerge(add), kind: 'plan' });
      return claim;
    });
    const result = await planJob(context).finally(() => context.remove());
    if (!('plan' in result)) throw new Error('There is no plan');
    known = planResult.parse(result.plan);
    return known;
  };

  it('has bars that hold all channels of every network, wherever the budget is', async () => {
    const made = await plan();
    for (const place of made.curve.keys())
      for (const [at, { blocks }] of barsOf(made, place).entries())
        for (const [task, width] of Object.entries(made.groups[at]?.widths ?? {}))
          expect(
            blocks.reduce((sum, { tasks, channels }) => sum + (tasks.includes(task) ? channels : 0), 0),
          ).toBe(width);
  });

  it('leads the merge, by the budget of each of its places, to just that place', async () => {
    const made = await plan();
    const { network } = joinSources(
      ['left', 'right'].map((task, index) => ({ task, graph: tinyNet(index + 1) })),
      recipe.parse(tinyRecipe),
    );
    const path = made.curve.map((point) => ({ ...point, plan: new Map<number, number>() }));
    for (const [of, storage] of [
      ['parameters', 'float32'],
      ['bytes', 'float32'],
      ['bytes', 'int8'],
      ['heap', 'float32'],
      ['heap', 'float16'],
      ['heap', 'int8'],
    ] as const) {
      expect(typedAt(made, 0, of, storage)).toBe('');
      expect(placeWithin(made, undefined, storage)).toBe(0);
      for (let place = 1; place < path.length; place++) {
        const typed = { ...filled, budgetOf: of, budget: typedAt(made, place, of, storage) };
        expect(checkForm(typed)).toEqual({});
        const { budget } = mergeRequest.parse(requestOf(typed)).recipe;
        if (!budget) throw new Error('there is no budget');
        const chosen = planWithin(path, limitOf(network, budget, storage));
        expect(path.findIndex(({ loss }) => loss === chosen.loss)).toBe(place);
        expect(placeWithin(made, budget, storage)).toBe(place);
      }
    }
  });

  it('is dragged to numbers that are no longer than they have to be', async () => {
    const made = await plan();
    const last = made.curve.length - 1;
    expect(typedAt(made, last, 'parameters', 'float32')).toBe('100');
    for (const place of [1, last >> 1])
      for (const of of ['parameters', 'bytes'] as const) {
        const typed = typedAt(made, place, of, 'float32');
        const shorter = { budgetOf: of, budget: String(Number(typed.slice(0, -1))) };
        expect(typed.length).toBeLessThan(12);
        expect(placeWithin(made, budgetOf(shorter), 'float32')).not.toBe(place);
      }
  });

  it('says what is the least where no plan keeps a budget, and that much is kept', async () => {
    const made = await plan();
    for (const [of, pattern] of [
      ['parameters', /^Sharing all that can be shared leaves ([\d.]+)\u00a0%: enter that or more\.$/],
      ['macs', /^Sharing all that can be shared leaves ([\d.]+)\u00a0%: enter that or more\.$/],
      [
        'bytes',
        /^Sharing all that can be shared leaves ([\d.]+) MiB \([\d.]+\u00a0kB\): enter that or more\.$/,
      ],
      [
        'heap',
        /^Sharing all that can be shared leaves ([\d.]+) MiB \([\d.]+\u00a0MB\): enter that or more\.$/,
      ],
    ] as const) {
      const why = (budget: string) => whyUnkeepable(made, budgetOf({ budgetOf: of, budget }), 'float32');
      expect(why('0.001')).toMatch(pattern);
      expect(why(pattern.exec(why('0.001') ?? '')?.[1] ?? '')).toBeUndefined();
      expect(why('')).toBeUndefined();
    }
  });

  it('counts float16 for the heap as it is held: widened', async () => {
    const made = await plan();
    const more = made.curve.map((point) => ({ ...point, parameters: point.parameters + 1_000_000 }));
    const whole = { ...made, curve: more };
    const heap = (of: PlanResult, storage: Storage): number => curveOf(of, 'heap', storage)[0]?.x ?? 0;
    const none = heap(made, 'float32') - 4 * 1.1 * (made.curve[0]?.parameters ?? 0);
    expect(none).toBeCloseTo(15 * 2 ** 20, -1);
    expect(heap(whole, 'float32') - heap(made, 'float32')).toBeCloseTo(4.4e6, -1);
    expect(heap(whole, 'float16') - heap(made, 'float16')).toBeCloseTo(8.8e6, -1);
    expect(heap(whole, 'int8') - heap(made, 'int8')).toBeCloseTo(1.1e6, -1);
    expect([savingOf('heap'), savingOf('bytes'), savingOf('macs')]).toEqual([
      'parameters',
      'parameters',
      'macs',
    ]);
  });

  it('finds the place that is dragged to, in bytes, multiply-adds and heap', async () => {
    const made = await plan();
    for (const of of ['parameters', 'bytes', 'macs', 'heap'] as const)
      for (const [place, { x }] of curveOf(made, of, 'float16').entries()) {
        const found = placeAt(made, of, 'float16', x);
        // Several places may have one size.
        expect(curveOf(made, of, 'float16')[found]?.x).toBe(x);
        if (of === 'parameters' && place === 0) expect(found).toBe(0);
      }
    expect(savedAt(made, made.curve.length - 1, 'float32')).toEqual({
      parameters: 1,
      bytes: 1,
      macs: 1,
      heap: 1,
    });
    expect(savedAt(made, made.curve.length - 1, 'int8')).toMatchObject({ parameters: 1, bytes: 0.25 });
    expect(savedAt(made, 0, 'float32').parameters).toBeLessThan(0.7);
  });
});
