import type { Augmentation, RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf, type Line } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { pruneApart, type ApartSpec } from '../pruneApart.ts';
import { bestZip, runZip } from '../zips.ts';
import { apartName, bestApart } from './apart.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedAtEnd, scaled, untrained, type Row } from './row.ts';

/** Of the network that all begin from, on CIFAR-10. */
const training: TrainingSpec = { steps: 8000, batchSize, learningRate: 0.003, weightDecay: 0.05 };
/** After {@link training}, on each task's own data. */
const tuning: TrainingSpec = { ...training, steps: 1000, learningRate: 0.001 };
/** Of one network, from its first weights. */
const trainingSteps = training.steps + tuning.steps;
const augmentation = {
  cifar10: { flip: true, shift: 4 },
  gtsrb: { flip: false, shift: 2 },
  eurosat: { flip: true, shift: 4 },
  mnist: { flip: false, shift: 2 },
  fashion: { flip: true, shift: 2 },
} as const satisfies Record<string, Augmentation>;
const sets = Object.keys(augmentation) as (keyof typeof augmentation)[];
/** 14 layers with weights, the two on the shortcuts among them. */
const net = { kind: 'residual', widths: [32, 64, 128], blocks: 2, stemStride: 2 } as const;
/** Of five networks' parameters: 90 % of a network in common, 10 % of each its own. */
const budget = { of: 'parameters', atMost: 0.279 } as const;
const base = {
  wiring: 'crossed',
  batchNorm: 'per-task',
  gramSamples: 512,
  damping: 1e-2,
  budget,
} as const;

function sourcesOf(context: Context): SourceSpec[] {
  const trained = (set: (typeof sets)[number], how: TrainingSpec): Omit<SourceSpec, 'task'> => ({
    ...{ data: { set, rgb32: true, ...held(context) }, net, seed: 1 },
    training: { ...how, steps: scaled(context, how.steps), augmentation: augmentation[set] },
  });
  const pretrained = trained('cifar10', training);
  return sets.map((task) => ({ task, ...trained(task, tuning), pretrained }));
}

/** What all were tuned from loses most: it was trained longest, and the others are won back sooner. */
const mergeWeights = { cifar10: 8 };
/** Samples in a step: more of what is won back slowly. The others have {@link batchSize}. */
const batchSizes = { cifar10: 192, eurosat: 128, fashion: 128, mnist: 32 };
const learningRate = 0.002;

const halfOf = { of: 'parameters', atMost: 0.5 } as const;
const halfRates = [0.0005, learningRate];

/** Half of the parameters stored: what each wiring does where tasks keep channels of their own. */
async function* half(context: Context, wiring: 'crossed' | 'one-way'): AsyncGenerator<Line> {
  const options = { trainingSteps: scaled(context, trainingSteps) };
  const what = `half of the parameters stored, ${wiring}`;
  const spec = { label: `residual-${wiring}-50`, sources: sourcesOf(context) };
  const recipe = {
    ...{ wiring, gramSamples: 512, damping: 1e-2, retraining: untrained },
    budget: halfOf,
  } as const;
  const bare = await runZip(context, { ...spec, recipe });
  yield lineOf(`${what}, not retrained`, [bare], options);
  const { spec: best, outcome } = await bestZip(
    context,
    halfRates.map((rate) => ({
      ...spec,
      recipe: { ...recipe, retraining: retrainedAt(context, rate) },
    })),
  );
  yield lineOf(`${what}, retrained`, [outcome], {
    ...options,
    note: `learning rate ${best.recipe.retraining.learningRate}, distillation 1, batches ${JSON.stringify(batchSizes)}, others ${batchSize}`,
  });
}

/**
 * No channel shared: each network pruned by itself, the residual streams too, and retrained by itself as the merges are,
 * its batch normalisation kept as they keep it, the damping theirs.
 *
 * @param rates the learning rates that the merge of this size had to choose from
 */
async function* apart(context: Context, atMost: number, rates: readonly number[]): AsyncGenerator<Line> {
  const options = { trainingSteps: scaled(context, trainingSteps), isApart: true };
  const bare: ApartSpec = {
    ...{ label: `residual-${1000 * atMost}`, sources: sourcesOf(context), fromWidth: 0 },
    ...{ budget: { of: 'parameters', atMost }, batchNorm: 'per-task', damping: base.damping },
    gramSamples: context.quick ? 256 : base.gramSamples,
  };
  const note = `damping ${bare.damping}`;
  yield lineOf(`${apartName(bare)}, not retrained`, [await pruneApart(context, bare)], { ...options, note });
  const best = await bestApart(
    context,
    rates.map((rate) => ({ ...bare, retraining: retrainedAt(context, rate) })),
  );
  yield lineOf(`${apartName(bare)}, retrained`, [best.outcome], {
    ...options,
    note: `${note}, learning rate ${best.spec.retraining?.learningRate}, distillation 1, batches ${JSON.stringify(batchSizes)}, others ${batchSize}`,
  });
}

const retrainedAt = (context: Context, rate: number): RecipeInput['retraining'] =>
  retrainedAtEnd(fewer(context, trainingSteps), {
    ...{ learningRate: rate, distillation: 1, temperature: 2, batchSizes, augmentation },
  });

export const residual: Row = {
  title: 'CIFAR-10, GTSRB, EuroSAT, MNIST and Fashion-MNIST: five residual networks of 14 layers',
  setting:
    'widths 32/64/128 (0.69 M parameters), the first convolution of stride 2, batch normalisation that every task keeps, 32x32 RGB; one network trained on CIFAR-10 in 8,000 steps of 64, all five tuned from it in 1,000 more, AdamW, shifts and flips; seed 1; what is shared is chosen by a budget that shares 90 % of the parameters',
  async *lines(context) {
    const options = { trainingSteps: scaled(context, trainingSteps) };
    const recipe = { ...base, retraining: untrained };
    const sources = sourcesOf(context);
    const bare = await runZip(context, { label: 'residual-untrained', sources, recipe });
    yield lineOf('90 % of the parameters shared, not retrained', [bare], options);
    const retraining = retrainedAt(context, learningRate);
    const outcome = await runZip(context, {
      ...{ label: 'residual-crossed', sources },
      recipe: { ...base, mergeWeights, retraining },
    });
    yield lineOf('90 % of the parameters shared, retrained', [outcome], {
      ...{ ...options, published: 'ResNet-28: 18.20 -> 18.67 %' },
      note: `learning rate ${learningRate}, distillation 1, merge weights ${JSON.stringify(mergeWeights)}, batches ${JSON.stringify(batchSizes)}, others ${batchSize}`,
    });
    for (const wiring of ['crossed', 'one-way'] as const) yield* half(context, wiring);
  },
  async *controls(context) {
    const repeats = [{ label: 'residual', sources: sourcesOf(context) }];
    const fromScratch = { ...training, steps: scaled(context, trainingSteps) };
    yield* commonControls(context, repeats, fewer(context, trainingSteps), { training: fromScratch });
    yield* apart(context, budget.atMost, [learningRate]);
    yield* apart(context, halfOf.atMost, halfRates);
  },
};
