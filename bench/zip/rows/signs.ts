import type { Augmentation } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf, type Line } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip, type ZipOutcome } from '../zips.ts';
import { chooseRecipe, noteOf } from './choose.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedAtEnd, scaled, untrained, type Row } from './row.ts';

const training: TrainingSpec = { steps: 5000, batchSize, learningRate: 0.002, weightDecay: 0.05 };
const augmentation: Readonly<Record<string, Augmentation>> = {
  cifar10: { flip: true, shift: 4 },
  gtsrb: { flip: false, shift: 2 },
};
const net = { kind: 'vgg-11', widths: [32, 64, 128, 256], normalised: true } as const;
/** Tried in turn: each costs minutes. */
const dampings = [1e-3, 1e-2, 1e-1];
const base = { gramSamples: 2048 } as const;
/** Points of accuracy that a task may lose. */
const allowed = 0.5;
/** Learning rates: where less is lost than with everything shared, lower ones do better. */
const budgetRates = [0.0002, 0.0005];

const sourcesOf = (context: Context): SourceSpec[] =>
  (['cifar10', 'gtsrb'] as const).map((set) => ({
    ...{ task: set, data: { set, ...held(context) }, net, seed: 1 },
    training: {
      ...training,
      steps: scaled(context, training.steps),
      ...(augmentation[set] && { augmentation: augmentation[set] }),
    },
  }));

/**
 * What belongs to a wiring. Every task keeps its batch normalisation where each runs for itself; a trunk that runs once for all
 * has it in its weights. The second network of everything shared is the one-way one too.
 */
const networks = {
  crossed: { label: 'signs-per-task', batchNorm: 'per-task', learningRates: [0.0005, 0.001, 0.002] },
  'one-way': { label: 'signs-full', batchNorm: undefined, learningRates: [0.0002, 0.0005] },
} as const;

/** Chosen with everything shared. */
function choose(context: Context, wiring: keyof typeof networks): ReturnType<typeof chooseRecipe> {
  const { label, batchNorm, learningRates } = networks[wiring];
  const recipe = { ...base, wiring: 'crossed', ...(batchNorm && { batchNorm }) } as const;
  return chooseRecipe(
    context,
    { label, sources: sourcesOf(context), recipe },
    learningRates.map((learningRate) =>
      retrainedAtEnd(fewer(context, training.steps), { learningRate, distillation: 1, augmentation }),
    ),
    dampings,
  );
}

/** By how many points the task lost most that lost most, on validation samples. */
const worstLoss = ({ scores, separate }: ZipOutcome): number =>
  Math.max(
    ...Object.entries(scores).map(
      ([task, { validation }]) => 100 * ((separate[task]?.validation ?? NaN) - validation),
    ),
  );

export const signs: Row = {
  title: 'CIFAR-10 and GTSRB: two VGG-11-like networks',
  setting:
    'VGG-11 of half its widths (32 to 256 channels, batch normalisation, 2.3 M parameters), 32x32 RGB; 5,000 training steps of 64, AdamW, shifts and flips; seed 1. CIFAR-10 from JPEG copies',
  async *lines(context) {
    const sources = sourcesOf(context);
    const options = { trainingSteps: scaled(context, training.steps) };
    for (const wiring of ['crossed', 'one-way'] as const) {
      const { recipe: chosen, bare, outcome: whole, note } = await choose(context, wiring);
      const how = wiring === 'crossed' ? '' : ', batch norm folded';
      yield lineOf(`all channels shared${how}, not retrained`, [bare], options);
      const published = wiring === 'crossed' ? 'VGG-16, ImageNet + CelebA: +3.18' : undefined;
      yield lineOf(`all channels shared${how}, retrained`, [whole], { ...options, note, published });
      for (const atMost of [0.7, 0.8, 0.9]) {
        const label = `signs-${wiring}-${100 * atMost}`;
        const candidates = budgetRates.map((learningRate) => ({
          ...{ label, sources },
          recipe: {
            ...{ ...chosen, wiring, budget: { of: 'parameters', atMost } as const },
            retraining: { ...chosen.retraining, learningRate },
          },
        }));
        const { spec, outcome } = await bestZip(context, candidates);
        const loss = worstLoss(outcome);
        const holds = loss <= allowed;
        yield lineOf(`budget ${100 * atMost} %, ${wiring}, retrained`, [outcome], {
          ...options,
          published: atMost === 0.8 ? 'VGG-16, 39.61 % shared: below +0.5 on both' : undefined,
          note: `${noteOf(spec.recipe)}; worst loss on validation ${loss.toFixed(2)} points: ${holds ? 'within' : 'above'} ${allowed}`,
        });
        if (holds) break;
      }
    }
    yield* oneWayEverywhere(context);
  },
  async *controls(context) {
    const sources = sourcesOf(context);
    yield* commonControls(context, [{ label: 'signs', sources }], fewer(context, training.steps));
    const { recipe: chosen } = await choose(context, 'one-way');
    const options = { trainingSteps: scaled(context, training.steps) };
    // Of whole layers the last ones have nearly all parameters: what is shared at most is set by budget.
    const recipe = { ...chosen, wiring: 'prefix', budget: { of: 'parameters', atMost: 0.8 } } as const;
    const prefix = await runZip(context, { label: 'signs-prefix-80', sources, recipe });
    yield lineOf('a prefix only, budget 80 %, retrained', [prefix], options);
  },
};

/** The same part of every layer's channels instead of a budget, which shares whole layers from the input on first. */
async function* oneWayEverywhere(context: Context): AsyncGenerator<Line> {
  const options = { trainingSteps: scaled(context, training.steps) };
  const spec = { label: 'signs-one-way-30', sources: sourcesOf(context) };
  const recipe = { ...base, wiring: 'one-way', damping: 1e-2, share: { share: 0.3 } } as const;
  const bare = await runZip(context, { ...spec, recipe: { ...recipe, retraining: untrained } });
  yield lineOf('30 % of the channels of every layer, one-way, not retrained', [bare], options);
  const best = await bestZip(
    context,
    budgetRates.map((learningRate) => ({
      ...spec,
      recipe: {
        ...recipe,
        retraining: retrainedAtEnd(fewer(context, training.steps), {
          ...{ learningRate, distillation: 1, augmentation },
        }),
      },
    })),
  );
  const note = noteOf(best.spec.recipe);
  yield lineOf('30 % of the channels of every layer, one-way, retrained', [best.outcome], {
    ...options,
    note,
  });
}
