import type { Graph } from '../onnx/graph.ts';
import { createFeeder } from './feeder.ts';
import { checkObjective, type Objective } from './objective.ts';
import { createOptimiser, type OptimiserOptions } from './optimisers/createOptimiser.ts';
import { learningRateAt, type Schedule } from './optimisers/schedule.ts';
import { layOutParameters } from './parameters.ts';
import type { Provider } from './providers.ts';
import { createSession } from './session.ts';
import { emitTrainingGraph, reachedPart } from './trainingGraph.ts';
import {
  checkState,
  feedsOfState,
  floats,
  initialState,
  nextState,
  trainedGraph,
  type TrainState,
} from './trainState.ts';

export interface TrainOptions {
  /** Left as it is. */
  readonly graph: Graph;
  /** Initializers to train; default: all weights, biases, scales and shifts that the objectives depend on. */
  readonly parameters?: readonly string[];
  readonly objectives: readonly Objective[];
  /** One step reads one batch of every objective. */
  readonly steps: number;
  readonly batchSize: number;
  readonly optimiser: OptimiserOptions;
  readonly schedule: Schedule;
  /** Longest gradient, in Euclidean length over all parameters. */
  readonly clipNorm?: number;
  /** Keeps BatchNormalization as in inference instead of normalising by each batch; default false. */
  readonly frozenStatistics?: boolean;
  /** Which samples meet in a batch. Same seed, same machine, same threads: same bits. */
  readonly seed: number;
  readonly provider: Provider;
  readonly threads?: number;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Stops before the next step; `train` then rejects with its reason. */
  readonly signal?: AbortSignal;
  readonly checkpoint?: Checkpoint;
}

export interface TrainProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** Of this step, one an objective, in order. */
  readonly losses: readonly number[];
  readonly stepsPerSecond: number;
  readonly etaMs: number;
}

export interface Checkpoint {
  /** Goes on from here; the other options must be those of the run that saved it. */
  readonly from?: TrainState;
  /** Steps between two calls of `save`; the last step is saved as well. */
  readonly every?: number;
  readonly save?: (state: TrainState) => void | Promise<void>;
}

export interface TrainResult {
  /** A copy of the graph with trained parameters. */
  readonly graph: Graph;
  /** One row a step that was run, one loss an objective. */
  readonly losses: readonly (readonly number[])[];
}

/**
 * Trains a network, or several tasks of one at once.
 *
 * @throws {Error} when the options do not fit together, an operator cannot be trained through, or a loss is no longer
 * finite; the signal's reason when it is cancelled.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { graph, objectives, steps, batchSize, seed, provider, threads, signal, checkpoint = {} } = options;
  checkOptions(options);
  signal?.throwIfAborted();
  const optimiser = createOptimiser(options.optimiser);
  const names =
    options.parameters ?? layOutParameters(reachedPart(graph, objectives)).map(({ name }) => name);
  const parameters = layOutParameters(graph, names);
  const emitted = emitTrainingGraph({
    graph,
    parameters,
    objectives: objectives.map(({ input, output, data, loss, weight = 1, teacher }) => ({
      ...{ input, output, loss, weight, sampleDims: data.sampleDims },
      distillation: teacher?.distillation ?? 0,
      temperature: teacher?.temperature ?? 1,
    })),
    batchSize,
    optimiser,
    weightDecay: options.optimiser.weightDecay ?? 0,
    clipNorm: options.clipNorm,
    frozenStatistics: options.frozenStatistics ?? false,
    provider,
  });
  const fresh = initialState(graph, parameters, optimiser, emitted);
  let state = checkpoint.from ?? fresh;
  checkState(state, fresh, steps);

  const sessionOptions = { provider, ...(threads !== undefined && { threads }) };
  const session = await createSession(emitted.graph, sessionOptions);
  const losses: number[][] = [];
  try {
    const feeder = await createFeeder({ objectives, emitted, batchSize, seed, sessionOptions });
    try {
      const startedAt = performance.now();
      while (state.step < steps) {
        signal?.throwIfAborted();
        const learningRate = learningRateAt(options.schedule, state.step, steps);
        const feeds = {
          ...(await feeder.feeds(state.step)),
          ...feedsOfState(state, optimiser.scalars(state.step + 1, learningRate)),
        };
        const results = await session.run(feeds);
        state = nextState(state, emitted, optimiser, results);
        const row = emitted.losses.map((name) => floats(results[name], name)[0] ?? NaN);
        checkLosses(row, objectives, state.step);
        losses.push(row);
        if (checkpoint.save && (state.step === steps || state.step % (checkpoint.every ?? steps) === 0)) {
          await checkpoint.save(state);
        }
        const stepsPerSecond = (1000 * losses.length) / (performance.now() - startedAt);
        const etaMs = (1000 * (steps - state.step)) / stepsPerSecond;
        options.onProgress?.({ step: state.step, steps, losses: row, stepsPerSecond, etaMs });
      }
    } finally {
      await feeder.release();
    }
  } finally {
    await session.release();
  }
  if (!state.parameters.every(Number.isFinite)) {
    throw new Error(
      'Cannot finish training: the last step left parameters that are not finite; lower the learning rate',
    );
  }
  return { graph: trainedGraph(graph, parameters, state), losses };
}

function checkOptions({ objectives, steps, batchSize, schedule, checkpoint }: TrainOptions): void {
  if (objectives.length === 0) throw new Error('Cannot train: there are no objectives');
  if (!(Number.isInteger(steps) && steps >= 0)) throw new RangeError(`Cannot train for ${steps} steps`);
  if (!(Number.isInteger(batchSize) && batchSize >= 1))
    throw new RangeError(`Cannot train on batches of ${batchSize}`);
  const every = checkpoint?.every ?? 1;
  if (!(Number.isInteger(every) && every >= 1))
    throw new RangeError(`Cannot save a checkpoint every ${every} steps`);
  learningRateAt(schedule, 0, steps);
  objectives.forEach(checkObjective);
}

function checkLosses(losses: readonly number[], objectives: readonly Objective[], step: number): void {
  const index = losses.findIndex((loss) => !Number.isFinite(loss));
  if (index < 0) return;
  throw new Error(
    `Cannot go on training "${objectives[index]?.output ?? ''}": its loss is ${losses[index] ?? ''} at step ${step}; ` +
      'lower the learning rate or clip the gradient',
  );
}
