import type { RecipeInput } from '../../../shared/recipe.ts';
import type { Context } from '../context.ts';
import { lineOf, type Line } from '../report.ts';
import type { SourceSpec, TrainingSpec } from '../sources.ts';
import { bestZip, runZip, type Outcome, type ZipSpec } from '../zips.ts';
import { chooseDamping } from './choose.ts';
import { commonControls } from './commonControls.ts';
import { batchSize, held, retrainedIn, scaled, untrained, type Row } from './row.ts';

interface Kind {
  readonly net: 'lenet-300-100' | 'lenet-5';
  readonly firstLayer: string;
  readonly layers: number;
  /** Retraining steps, as published. */
  readonly steps: number;
  readonly sparseSteps: number;
  /** Of each layer's weights, as Han et al. (2015) spread them: about 7 % of all. */
  readonly kept: readonly number[];
  readonly published: Readonly<
    Record<'first' | 'all' | 'random' | 'retrained' | 'sparse', string | undefined>
  >;
}

const kinds: readonly Kind[] = [
  {
    ...{ net: 'lenet-300-100', firstLayer: 'dense1', layers: 2, steps: 550, sparseSteps: 800 },
    kept: [0.065, 0.09, 0.26],
    published: {
      first: '+0.95',
      all: '+1.50',
      random: '33 %',
      retrained: '1.57/1.60 -> 1.64 %, 550 steps',
      sparse: '1.80/1.81 -> 1.83 %, 800 steps',
    },
  },
  {
    ...{ net: 'lenet-5', firstLayer: 'conv1', layers: 3, steps: 600, sparseSteps: 1200 },
    kept: [0.66, 0.12, 0.065, 0.19],
    published: {
      ...{ first: undefined, all: undefined, random: undefined },
      retrained: '0.89/0.95 -> 0.93 %, 600 steps',
      sparse: '1.27/1.28 -> 1.29 %, 1200 steps',
    },
  },
];

/** Of the pairs of sources; the first pair is what settings are chosen on. */
const seeds: readonly (readonly [number, number])[] = [
  [1, 2],
  [3, 4],
];

const training: TrainingSpec = { steps: 10_000, batchSize, learningRate: 0.002, weightDecay: 0.05 };
/** After pruning. */
const afterPruning: TrainingSpec = { steps: 5000, batchSize, learningRate: 0.002, weightDecay: 0 };

function sourcesOf(context: Context, { net }: Kind, pair: readonly [number, number]): SourceSpec[] {
  return pair.map((seed, index) => ({
    task: index === 0 ? 'digit-a' : 'digit-b',
    data: { set: 'mnist', ...held(context) },
    net: { kind: net },
    training: { ...training, steps: scaled(context, training.steps) },
    seed,
  }));
}

const pairsOf = (context: Context): readonly (readonly [number, number])[] => seeds.slice(0, context.repeats);

const sparse = (context: Context, { kept }: Kind, source: SourceSpec): SourceSpec => ({
  ...source,
  pruned: {
    ...{ kept, gramSamples: 4096, damping: 1e-2 },
    training: { ...afterPruning, steps: scaled(context, afterPruning.steps) },
  },
});

const base = { wiring: 'crossed', gramSamples: 4096 } as const;

export const digits: Row = {
  title: 'MNIST twice: two LeNet-300-100, two LeNet-5, all hidden channels shared',
  setting:
    'LeNet-300-100 (266,610 parameters) and LeNet-5 20/50/500 (431,080); 10,000 training steps of 64, AdamW; two pairs of seeds',
  async *lines(context) {
    for (const kind of kinds) {
      yield* withoutRetraining(context, kind);
      yield* retrained(context, kind);
      yield* whenSparse(context, kind);
    }
  },
  async *controls(context) {
    for (const kind of kinds) {
      const repeats = pairsOf(context).map((pair) => ({
        label: `${kind.net}-${pair.join('-')}`,
        sources: sourcesOf(context, kind, pair),
      }));
      yield* commonControls(context, repeats, scaled(context, kind.steps), { prefix: `${kind.net}, ` });
    }
  },
};

async function* withoutRetraining(context: Context, kind: Kind): AsyncGenerator<Line> {
  const { net, firstLayer, published } = kind;
  const trainingSteps = scaled(context, training.steps);
  const variants: readonly [string, string | undefined, Omit<RecipeInput, 'retraining' | 'wiring'>][] = [
    ['after its first layer', published.first, { share: { [firstLayer]: { share: 1 } } }],
    ['after all layers', published.all, {}],
    ['after all layers, nothing refitted', undefined, { refit: false }],
    ['after all layers, pairs at random', published.random, { matching: 'random' }],
    ['after all layers, pairs chosen greedily', undefined, { matching: 'greedy' }],
  ];
  for (const [what, figure, recipe] of variants) {
    const outcomes: Outcome[] = [];
    for (const pair of pairsOf(context))
      outcomes.push(
        await runZip(context, {
          label: `${net}-untrained-${pair.join('-')}`,
          sources: sourcesOf(context, kind, pair),
          recipe: { ...base, ...recipe, damping: await dampingOf(context, kind), retraining: untrained },
        }),
      );
    yield lineOf(`${net}, not retrained, ${what}`, outcomes, {
      trainingSteps,
      ...(figure !== undefined && { published: figure }),
    });
  }
}

/** Chosen with the first pair. */
async function dampingOf(context: Context, kind: Kind): Promise<number> {
  const pair = seeds[0] ?? [1, 2];
  const label = `${kind.net}-untrained-${pair.join('-')}`;
  const sources = sourcesOf(context, kind, pair);
  return (await chooseDamping(context, { label, sources, recipe: base })).recipe.damping;
}

async function* retrained(context: Context, kind: Kind): AsyncGenerator<Line> {
  const { net, layers, published } = kind;
  const steps = scaled(context, kind.steps);
  yield await retrainedLine(context, kind, {
    what: `${net}, retrained`,
    published: published.retrained,
    recipe: { ...base, damping: await dampingOf(context, kind) },
    sourcesOf: (pair) => sourcesOf(context, kind, pair),
    candidates: [
      { learningRate: 0.0005, distillation: 1 },
      { learningRate: 0.001, distillation: 1 },
      { learningRate: 0.002, distillation: 1 },
      { learningRate: 0.0005, distillation: 0 },
    ].map((each) => retrainedIn(steps, layers, each)),
  });
}

async function* whenSparse(context: Context, kind: Kind): AsyncGenerator<Line> {
  const { net, layers, published } = kind;
  const steps = scaled(context, kind.sparseSteps);
  yield await retrainedLine(context, kind, {
    what: `${net}, 7 % of the weights left, retrained`,
    published: published.sparse,
    recipe: { ...base, damping: await dampingOf(context, kind), sparse: true },
    sourcesOf: (pair) => sourcesOf(context, kind, pair).map((source) => sparse(context, kind, source)),
    candidates: [
      { learningRate: 0.004, distillation: 1 },
      { learningRate: 0.008, distillation: 1 },
      { learningRate: 0.008, distillation: 0.5 },
    ].map((each) => retrainedIn(steps, layers, each)),
  });
}

interface RetrainedOptions {
  readonly what: string;
  readonly published: string | undefined;
  readonly recipe: Omit<RecipeInput, 'retraining'>;
  readonly sourcesOf: (pair: readonly [number, number]) => SourceSpec[];
  readonly candidates: readonly RecipeInput['retraining'][];
}

/** Retraining is chosen on the first pair's validation samples, and done with all pairs. */
async function retrainedLine(context: Context, { net }: Kind, options: RetrainedOptions): Promise<Line> {
  const specOf = (pair: readonly [number, number], retraining: RecipeInput['retraining']): ZipSpec => ({
    label: `${net}-${pair.join('-')}`,
    sources: options.sourcesOf(pair),
    recipe: { ...options.recipe, retraining },
  });
  const first = seeds[0] ?? [1, 2];
  const { spec } = await bestZip(
    context,
    options.candidates.map((retraining) => specOf(first, retraining)),
  );
  const { retraining } = spec.recipe;
  const outcomes: Outcome[] = [];
  for (const pair of pairsOf(context)) outcomes.push(await runZip(context, specOf(pair, retraining)));
  return lineOf(options.what, outcomes, {
    trainingSteps: scaled(context, training.steps),
    note: `learning rate ${retraining.learningRate}, distillation ${retraining.distillation ?? 0}`,
    ...(options.published !== undefined && { published: options.published }),
  });
}
