import type { Augmentation, EarlyStopping, Retraining } from '../../shared/recipe.ts';
import { augmented, flipped, shifted } from '../engine/augment.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../engine/checkpointFile.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import { masksOfZeros } from '../engine/masks.ts';
import { rolesOf } from '../engine/parameters.ts';
import type { Pieces } from '../engine/pieces.ts';
import type { Provider } from '../engine/providers.ts';
import { identifyRun } from '../engine/runIdentity.ts';
import { train, type TrainOptions, type TrainProgress } from '../engine/train.ts';
import type { Validation } from '../engine/validation.ts';
import type { Graph } from '../onnx/graph.ts';
import { logitsOf } from './logitsOf.ts';
import type { Network } from './network.ts';
import { denormalised, normalised, type Normalisation } from './normalise.ts';
import { parameterNames, tailName, weightNames, withParameters } from './parameters.ts';
import { jointGraph, taskInput } from './wiring.ts';

export interface Lesson {
  readonly task: string;
  readonly data: Dataset;
  /** For early stopping. */
  readonly validation?: Dataset | undefined;
  /** The untouched network of the task. */
  readonly original: Graph;
}

export interface RetrainOptions {
  readonly retraining: Retraining;
  readonly steps: number;
  readonly seed: number;
  readonly provider: Provider;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Told of every look that early stopping takes. */
  readonly onLook?: (look: Validation) => void;
  readonly signal?: AbortSignal | undefined;
  readonly checkpoint?: {
    /** What `save` was given, by a run with the same options. */
    readonly from?: Pieces | undefined;
    readonly everySteps: number;
    readonly save: (pieces: Pieces) => Promise<void>;
  };
}

export interface Retrained {
  readonly network: Network;
  /** Fewer than asked for where early stopping ended them. */
  readonly steps: number;
  /** The network that early stopping kept; null where it did not end the steps. */
  readonly early: { readonly step: number; readonly score: number } | null;
}

/** Share of the steps over which the learning rate rises, so that fresh optimiser state does no harm. */
const warmUpShare = 0.1;

/**
 * Trains all weights of the network on all tasks at once: every step reads one batch of each. Weights that are 0 in a
 * sparse network stay so.
 */
export async function retrain(
  network: Network,
  lessons: readonly Lesson[],
  options: RetrainOptions,
): Promise<Retrained> {
  const { retraining, steps, seed, provider, onProgress, onLook, signal, checkpoint } = options;
  if (steps === 0) return { network, steps, early: null };
  const { graph, normalisations } = await normalised(
    network,
    jointGraph(network, { logits: true, joined: true }),
    lessons.map(({ data }) => data),
    { seed, provider, signal },
  );
  // The graph has no weights of blocks without channels, nor of channels that nothing reads any more.
  const isUnread = (name: string): boolean => !graph.initializers.has(name);
  const parameters = [...parameterNames(network), ...tailParameters(network)].filter(
    (name) => !isUnread(name),
  );
  const { earlyStopping } = retraining;
  const run: TrainOptions = {
    graph,
    parameters,
    objectives: lessons.map((lesson) => objectiveOf(network, lesson, retraining, seed)),
    steps,
    batchSize: retraining.batchSize,
    optimiser: { kind: 'adamw', weightDecay: retraining.weightDecay },
    schedule: {
      learningRate: retraining.learningRate,
      warmUpSteps: Math.ceil(steps * warmUpShare),
      decay: 'cosine',
    },
    frozenStatistics: normalisations.length === 0 || statisticsBut(graph, normalisations),
    ...(retraining.clipNorm !== undefined && { clipNorm: retraining.clipNorm }),
    ...(retraining.adaptiveWeights && { lossWeighting: retraining.adaptiveWeights }),
    ...(network.sparse && { masks: masksOfZeros(graph.initializers, weightNames(network)) }),
    ...(earlyStopping && { validation: earlyStopping }),
    seed,
    provider,
    ...(onProgress && { onProgress }),
    ...(onLook && { onLook }),
    ...(signal && { signal }),
  };
  const identity = checkpoint && (await identifyRun(run));
  const result = await train({
    ...run,
    ...(checkpoint &&
      identity && {
        checkpoint: {
          from: checkpoint.from && (await decodeCheckpoint(checkpoint.from, identity)),
          every: checkpoint.everySteps,
          save: async (state) => checkpoint.save(await encodeCheckpoint(state, identity)),
        },
      }),
  });
  return {
    network: withParameters(network, denormalised(result.graph, normalisations), isUnread),
    steps: result.stopped.step,
    early: result.stopped.reason === 'patience' ? (result.best ?? null) : null,
  };
}

function objectiveOf(
  network: Network,
  { task, data, validation, original }: Lesson,
  retraining: Retraining,
  seed: number,
): TrainOptions['objectives'][number] {
  const { distillation, temperature, batchSizes, lossWeights, augmentation, earlyStopping } = retraining;
  const batchSize = batchSizes?.[task];
  const weight = lossWeights?.[task];
  return {
    input: taskInput(network, task),
    output: task,
    data: changed(data, augmentation?.[task], seed),
    loss: 'softmax-cross-entropy',
    ...(earlyStopping && validation && isScored(validation, earlyStopping) && { validation }),
    ...(batchSize !== undefined && { batchSize }),
    ...(weight !== undefined && { weight }),
    ...(distillation > 0 && { teacher: { graph: logitsOf(original), distillation, temperature } }),
  };
}

/** Accuracy needs labels; the loss of distillation does not. */
export const isScored = (validation: Dataset, { metric }: EarlyStopping): boolean =>
  metric === 'loss' || isLabelled(validation);

function changed(data: Dataset, augmentation: Augmentation | undefined, seed: number): Dataset {
  if (!augmentation) return data;
  const { flip, shift } = augmentation;
  return augmented(data, [...(flip ? [flipped()] : []), ...(shift > 0 ? [shifted(shift)] : [])], seed);
}

/** The running statistics that do not move: those that the network has as scales and shifts, and those of the tails. */
function statisticsBut(graph: Graph, normalisations: readonly Normalisation[]): string[] {
  const moving = new Set(normalisations.flatMap(({ mean, variance }) => [mean, variance]));
  const all = graph.nodes.flatMap(({ op, inputs }) => (op === 'BatchNormalization' ? inputs.slice(3) : []));
  return [...new Set(all)].filter((name) => !moving.has(name));
}

/** The names of what can be trained in the tasks' tails. */
const tailParameters = (network: Network): string[] =>
  network.tails.flatMap((tail, task) =>
    tail ? [...rolesOf(tail.graph).keys()].map((name) => tailName(network, task, name)) : [],
  );
