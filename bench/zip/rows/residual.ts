import type { Augmentation, RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip, type ZipSpec } from '../zips.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedIn, scaled, untrained, type Row } from './row.ts';

const training: TrainingSpec = { steps: 3000, batchSize, learningRate: 0.003, weightDecay: 0.05 };
const augmentation = {
  cifar10: { flip: true, shift: 4 },
  gtsrb: { flip: false, shift: 2 },
  eurosat: { flip: true, shift: 4 },
  mnist: { flip: false, shift: 2 },
  fashion: { flip: true, shift: 2 },
} as const satisfies Record<string, Augmentation>;
const sets = Object.keys(augmentation) as (keyof typeof augmentation)[];
/** 28 layers with weights, the two on the shortcuts among them: 93 k parameters. */
const net = { kind: 'residual', widths: [8, 16, 32], blocks: 4 } as const;
const layers = 27;
/** Of every group's channels, so that 90 % of the parameters, which lie between two groups, are shared. */
const share = { share: 0.95 };
const base = { wiring: 'crossed', gramSamples: 1024, damping: 1e-2, share } as const;

const sourcesOf = (context: Context): SourceSpec[] =>
  sets.map((set) => ({
    ...{ task: set, data: { set, rgb32: true, ...held(context) }, net, seed: 1 },
    training: { ...training, steps: scaled(context, training.steps), augmentation: augmentation[set] },
  }));

/** Chosen on validation samples. */
function retrained(context: Context, recipe: Omit<RecipeInput, 'retraining'>): ZipSpec[] {
  const steps = fewer(context, training.steps);
  return [0.001, 0.003].map((learningRate) => ({
    label: `residual-${recipe.wiring}-${recipe.batchNorm ?? 'fold'}`,
    sources: sourcesOf(context),
    recipe: {
      ...recipe,
      retraining: retrainedIn(steps, layers, { learningRate, distillation: 1, augmentation }),
    },
  }));
}

export const residual: Row = {
  title: 'CIFAR-10, GTSRB, EuroSAT, MNIST and Fashion-MNIST: five residual networks of 28 layers',
  setting:
    'widths 8/16/32 (93 k parameters), batch normalisation, 32x32 RGB; 3,000 training steps of 64, AdamW, shifts and flips; seed 1; 95 % of the channels of every group shared, which is about 90 % of the parameters',
  async *lines(context) {
    const sources = sourcesOf(context);
    const options = { trainingSteps: scaled(context, training.steps) };
    const published = 'ResNet-28: 18.20 -> 18.67 %';
    const bare = await runZip(context, {
      label: 'residual-untrained',
      sources,
      recipe: { ...base, batchNorm: 'per-task', retraining: untrained },
    });
    yield lineOf('90 % of the parameters shared, not retrained', [bare], options);
    const { spec, outcome } = await bestZip(context, [
      ...retrained(context, { ...base, batchNorm: 'per-task' }),
      ...retrained(context, { ...base, batchNorm: 'fold' }),
    ]);
    const { batchNorm, retraining } = spec.recipe;
    const note = `batch normalisation ${batchNorm ?? 'fold'}, learning rate ${retraining.learningRate}, distillation 1`;
    yield lineOf('90 % of the parameters shared, retrained', [outcome], { ...options, published, note });
    const oneWay = await runZip(context, {
      label: 'residual-one-way',
      sources,
      recipe: { ...spec.recipe, wiring: 'one-way' },
    });
    yield lineOf('the same, one-way', [oneWay], { ...options, note });
  },
  async *controls(context) {
    const repeats = [{ label: 'residual', sources: sourcesOf(context) }];
    yield* commonControls(context, repeats, fewer(context, training.steps));
  },
};
