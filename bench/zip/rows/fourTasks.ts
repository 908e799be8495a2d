import type { RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip } from '../zips.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedIn, scaled, untrained, type Row } from './row.ts';

const sets = ['mnist', 'fashion', 'kmnist', 'notmnist'] as const;
const training: TrainingSpec = { steps: 10_000, batchSize, learningRate: 0.002, weightDecay: 0.05 };
const layers = 3;
const base = { gramSamples: 4096, damping: 1e-3 } as const;

const sourcesOf = (context: Context): SourceSpec[] =>
  sets.map((set) => ({
    ...{ task: set, data: { set, ...held(context) }, net: { kind: 'lenet-5' }, seed: 1 },
    training: { ...training, steps: scaled(context, training.steps) },
  }));

/** Chosen on validation samples with everything shared. */
async function retrainingOf(context: Context): Promise<RecipeInput['retraining']> {
  const steps = fewer(context, training.steps);
  const { spec } = await bestZip(
    context,
    [
      { learningRate: 0.001, distillation: 1 },
      { learningRate: 0.002, distillation: 1 },
      { learningRate: 0.004, distillation: 1 },
      { learningRate: 0.002, distillation: 0.5 },
    ].map((each) => ({
      label: 'four-full',
      sources: sourcesOf(context),
      recipe: { ...base, wiring: 'crossed', retraining: retrainedIn(steps, layers, each) },
    })),
  );
  return spec.recipe.retraining;
}

export const fourTasks: Row = {
  title: 'MNIST, Fashion-MNIST, KMNIST and notMNIST in one LeNet-5',
  setting:
    'LeNet-5 20/50/500; 10,000 training steps of 64 each, AdamW; seed 1. KMNIST and notMNIST: 7,200 training, 2,000 test images. 25 % of the parameters is what sharing everything stores, but for the four last layers',
  async *lines(context) {
    const sources = sourcesOf(context);
    const options = { trainingSteps: scaled(context, training.steps) };
    const full = { ...base, wiring: 'crossed' } as const;
    const bare = await runZip(context, {
      ...{ label: 'four-full', sources, recipe: { ...full, retraining: untrained } },
    });
    yield lineOf('all channels shared, not retrained', [bare], options);
    const retraining = await retrainingOf(context);
    const note = `learning rate ${retraining.learningRate}, distillation ${retraining.distillation ?? 0}`;
    const whole = await runZip(context, { label: 'four-full', sources, recipe: { ...full, retraining } });
    yield lineOf('all channels shared (budget 25 %), retrained', [whole], { ...options, note });
    for (const atMost of [0.5, 0.75]) {
      for (const wiring of ['crossed', 'one-way'] as const) {
        const recipe = { ...base, wiring, budget: { of: 'parameters', atMost }, retraining } as const;
        const label = `four-${wiring}-${100 * atMost}`;
        const outcome = await runZip(context, { label, sources, recipe });
        yield lineOf(`budget ${100 * atMost} %, ${wiring}, retrained`, [outcome], { ...options, note });
      }
    }
  },
  async *controls(context) {
    const repeats = [{ label: 'four', sources: sourcesOf(context) }];
    yield* commonControls(context, repeats, fewer(context, training.steps));
    const retraining = await retrainingOf(context);
    const share = { conv1: { share: 1 }, conv2: { share: 1 } };
    const recipe = { ...base, wiring: 'prefix', share, retraining } as const;
    const prefix = await runZip(context, { label: 'four-prefix', sources: sourcesOf(context), recipe });
    const options = { trainingSteps: scaled(context, training.steps) };
    yield lineOf('a prefix only: both convolutions, retrained', [prefix], options);
  },
};
