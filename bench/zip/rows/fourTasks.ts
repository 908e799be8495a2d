import type { Context } from '../context.ts';
import { lineOf } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip } from '../zips.ts';
import { chooseRecipe, noteOf } from './choose.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedIn, scaled, type Row } from './row.ts';

const sets = ['mnist', 'fashion', 'kmnist', 'notmnist'] as const;
const training: TrainingSpec = { steps: 10_000, batchSize, learningRate: 0.002, weightDecay: 0.05 };
const layers = 3;
/** Tried in turn: each costs a minute. */
const dampings = [1e-3, 1e-2, 1e-1];
const base = { gramSamples: 4096 } as const;

const sourcesOf = (context: Context): SourceSpec[] =>
  sets.map((set) => ({
    ...{ task: set, data: { set, ...held(context) }, net: { kind: 'lenet-5' }, seed: 1 },
    training: { ...training, steps: scaled(context, training.steps) },
  }));

/** Chosen with everything shared. */
const choose = (context: Context): ReturnType<typeof chooseRecipe> =>
  chooseRecipe(
    context,
    { label: 'four-full', sources: sourcesOf(context), recipe: { ...base, wiring: 'crossed' } },
    [
      { learningRate: 0.001, distillation: 1 },
      { learningRate: 0.002, distillation: 1 },
    ].map((each) => retrainedIn(fewer(context, training.steps), layers, each)),
    dampings,
  );

export const fourTasks: Row = {
  title: 'MNIST, Fashion-MNIST, KMNIST and notMNIST in one LeNet-5',
  setting:
    'LeNet-5 20/50/500; 10,000 training steps of 64 each, AdamW; seed 1. KMNIST and notMNIST: 7,200 training, 2,000 test images. 25 % of the parameters is what sharing everything stores, but for the four last layers',
  async *lines(context) {
    const sources = sourcesOf(context);
    const options = { trainingSteps: scaled(context, training.steps) };
    const { recipe: chosen, bare, outcome: whole, note } = await choose(context);
    yield lineOf('all channels shared, not retrained', [bare], options);
    yield lineOf('all channels shared (budget 25 %), retrained', [whole], { ...options, note });
    for (const atMost of [0.5, 0.75]) {
      for (const wiring of ['crossed', 'one-way'] as const) {
        // What shares less is further from needing what all channels shared need.
        const rates = [0.0005, chosen.retraining.learningRate];
        const { spec, outcome } = await bestZip(
          context,
          rates.map((learningRate) => ({
            ...{ label: `four-${wiring}-${100 * atMost}`, sources },
            recipe: {
              ...chosen,
              ...{ wiring, budget: { of: 'parameters', atMost } },
              retraining: { ...chosen.retraining, learningRate },
            },
          })),
        );
        yield lineOf(`budget ${100 * atMost} %, ${wiring}, retrained`, [outcome], {
          ...options,
          note: noteOf(spec.recipe),
        });
      }
    }
  },
  async *controls(context) {
    const repeats = [{ label: 'four', sources: sourcesOf(context) }];
    yield* commonControls(context, repeats, fewer(context, training.steps));
    const { recipe: chosen } = await choose(context);
    const share = { conv1: { share: 1 }, conv2: { share: 1 } };
    const recipe = { ...chosen, wiring: 'prefix', share } as const;
    const prefix = await runZip(context, { label: 'four-prefix', sources: sourcesOf(context), recipe });
    const options = { trainingSteps: scaled(context, training.steps) };
    yield lineOf('a prefix only: both convolutions, retrained', [prefix], options);
  },
};
