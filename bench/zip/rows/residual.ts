import type { Augmentation, Wiring } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip, type ZipSpec } from '../zips.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, fewer, held, retrainedAtEnd, scaled, untrained, type Row } from './row.ts';

const training: TrainingSpec = { steps: 8000, batchSize, learningRate: 0.003, weightDecay: 0.05 };
/** After {@link training} on other data. */
const tuning: TrainingSpec = { ...training, steps: 1000, learningRate: 0.001 };
const augmentation = {
  cifar10: { flip: true, shift: 4 },
  gtsrb: { flip: false, shift: 2 },
  eurosat: { flip: true, shift: 4 },
  mnist: { flip: false, shift: 2 },
  fashion: { flip: true, shift: 2 },
} as const satisfies Record<string, Augmentation>;
const sets = Object.keys(augmentation) as (keyof typeof augmentation)[];
/** 28 layers with weights, the two on the shortcuts among them: 370 k parameters. */
const net = { kind: 'residual', widths: [32, 64, 128], blocks: 2, stemStride: 2 } as const;
/** Of every group's channels, so that 90 % of the parameters, which lie between two groups, are shared. */
const share = { share: 0.95 };
const base = { wiring: 'crossed', batchNorm: 'per-task', gramSamples: 512, damping: 1e-2, share } as const;

/** Every network from weights of its own, or all from those of one that was trained on CIFAR-10. */
const starts = ['fine-tuned from one network', 'each trained from scratch'] as const;

function sourcesOf(context: Context, start: (typeof starts)[number]): SourceSpec[] {
  const trained = (set: (typeof sets)[number], how: TrainingSpec): Omit<SourceSpec, 'task'> => ({
    ...{ data: { set, rgb32: true, ...held(context) }, net, seed: 1 },
    training: { ...how, steps: scaled(context, how.steps), augmentation: augmentation[set] },
  });
  if (start === 'each trained from scratch')
    return sets.map((task) => ({ task, ...trained(task, training) }));
  const pretrained = trained('cifar10', training);
  return sets.map((task) => ({ task, ...trained(task, tuning), pretrained }));
}

const retrained = (
  context: Context,
  start: (typeof starts)[number],
  wiring: Wiring,
  learningRate: number,
): ZipSpec => ({
  label: `residual-${wiring}`,
  sources: sourcesOf(context, start),
  recipe: {
    ...base,
    wiring,
    retraining: retrainedAtEnd(fewer(context, training.steps), {
      ...{ learningRate, distillation: 1, augmentation },
    }),
  },
});

export const residual: Row = {
  title: 'CIFAR-10, GTSRB, EuroSAT, MNIST and Fashion-MNIST: five residual networks of 28 layers',
  setting:
    'widths 16/32/64 (370 k parameters), the first convolution of stride 2, batch normalisation that every task keeps, 32x32 RGB; 3,000 training steps of 64, AdamW, shifts and flips; fine-tuned: 1,000 more from the CIFAR-10 network; seed 1; 95 % of the channels of every group shared, which is about 90 % of the parameters',
  async *lines(context) {
    const options = { trainingSteps: scaled(context, training.steps) };
    const published = 'ResNet-28: 18.20 -> 18.67 %';
    let learningRate: number | undefined;
    for (const start of starts) {
      const sources = sourcesOf(context, start);
      const recipe = { ...base, retraining: untrained };
      const bare = await runZip(context, { label: 'residual-untrained', sources, recipe });
      yield lineOf(`${start}, 90 % of the parameters shared, not retrained`, [bare], options);
      const rates = learningRate === undefined ? [0.001, 0.003] : [learningRate];
      const { spec, outcome } = await bestZip(
        context,
        rates.map((rate) => retrained(context, start, 'crossed', rate)),
      );
      learningRate = spec.recipe.retraining.learningRate;
      const note = `learning rate ${learningRate}, distillation 1`;
      const what = `${start}, 90 % of the parameters shared, retrained`;
      yield lineOf(what, [outcome], { ...options, published, note });
      const oneWay = await runZip(context, retrained(context, start, 'one-way', learningRate));
      yield lineOf(`${start}, the same, one-way`, [oneWay], { ...options, note });
    }
  },
  async *controls(context) {
    const repeats = [{ label: 'residual', sources: sourcesOf(context, 'each trained from scratch') }];
    yield* commonControls(context, repeats, fewer(context, training.steps));
  },
};
