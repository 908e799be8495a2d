import type { Augmentation, RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip } from '../zips.ts';
import { chooseDamping } from './choose.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedAtEnd, scaled, untrained, type Row } from './row.ts';

const training: TrainingSpec = { steps: 4000, batchSize, learningRate: 0.002, weightDecay: 0.05 };
const augmentation: Augmentation = { flip: true, shift: 4 };
const halves = { 'classes-0-4': [0, 1, 2, 3, 4], 'classes-5-9': [5, 6, 7, 8, 9] };
const net = { kind: 'vgg-11', widths: [32, 64, 128, 256], normalised: true } as const;
/** Tried in turn: each costs minutes. */
const dampings = [1e-3, 1e-2, 1e-1];
const base = { gramSamples: 2048 } as const;

const sourcesOf = (context: Context): SourceSpec[] =>
  Object.entries(halves).map(([task, classes], index) => ({
    ...{ task, data: { set: 'cifar10', classes, ...held(context) }, net, seed: 1 + index },
    training: { ...training, steps: scaled(context, training.steps), augmentation },
  }));

type Sharing = Pick<RecipeInput, 'wiring' | 'budget'>;

const costs: readonly { what: string; published: string; ways: readonly Sharing[] }[] = [
  {
    what: 'half the work (all channels shared)',
    published: 'ZipIt!: 11.4 -> 43.5 %',
    ways: [{ wiring: 'one-way' }],
  },
  {
    what: '90 % of the work',
    published: 'ZipIt!: 11.4 -> 34.5 %',
    // Whole layers first, or some channels of all.
    ways: (['prefix', 'one-way'] as const).map((wiring) => ({
      ...{ wiring, budget: { of: 'macs', atMost: 0.9 } },
    })),
  },
];

export const fiveAndFive: Row = {
  title: 'CIFAR-10 in two halves of five classes: two VGG-11, at the costs of ZipIt!',
  setting:
    "VGG-11 of half its widths (32 to 256 channels, batch normalisation, 2.3 M parameters); 4,000 training steps of 64, AdamW, shifts and flips; classes 0-4 and 5-9, accuracy among a task's own five. ZipIt! has the full widths and retrains nothing. From JPEG copies",
  async *lines(context) {
    const sources = sourcesOf(context);
    const options = { trainingSteps: scaled(context, training.steps) };
    const spec = {
      label: 'halves-one-way-untrained',
      sources,
      recipe: { ...base, wiring: 'one-way' },
    } as const;
    const { damping } = (await chooseDamping(context, spec, dampings)).recipe;
    const steps = fewer(context, training.steps);
    for (const { what, published, ways } of costs) {
      const recipes = ways.map((way) => ({ ...base, damping, ...way }));
      const bare = await bestZip(
        context,
        recipes.map((recipe) => ({
          ...{ label: `halves-${recipe.wiring}-untrained`, sources },
          recipe: { ...recipe, retraining: untrained },
        })),
      );
      const note = `${bare.spec.recipe.wiring}, damping ${damping}`;
      yield lineOf(`${what}, not retrained`, [bare.outcome], { ...options, published, note });
      const { spec: chosenBare } = bare;
      const unfitted = await runZip(context, {
        ...chosenBare,
        recipe: { ...chosenBare.recipe, refit: false },
      });
      yield lineOf(`${what}, not retrained, nothing refitted`, [unfitted], { ...options, note });
      const best = await bestZip(
        context,
        [0.0002, 0.0005].map((learningRate) => ({
          ...{ label: `halves-${chosenBare.recipe.wiring}`, sources },
          recipe: {
            ...chosenBare.recipe,
            retraining: retrainedAtEnd(steps, {
              ...{ learningRate, distillation: 1 },
              augmentation: Object.fromEntries(Object.keys(halves).map((task) => [task, augmentation])),
            }),
          },
        })),
      );
      const { wiring, retraining } = best.spec.recipe;
      const chosen = `${wiring}, damping ${damping}, learning rate ${retraining.learningRate}, distillation 1`;
      yield lineOf(`${what}, retrained`, [best.outcome], { ...options, published, note: chosen });
    }
  },
  async *controls(context) {
    const repeats = [{ label: 'halves', sources: sourcesOf(context) }];
    yield* commonControls(context, repeats, fewer(context, training.steps));
  },
};
