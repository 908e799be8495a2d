import { createFeeder } from './feeder.ts';
import { dynamicAverage, type DynamicAverage } from './lossWeights.ts';
import { maskFactors } from './masks.ts';
import type { Objective } from './objective.ts';
import { createOptimiser } from './optimisers/createOptimiser.ts';
import { learningRateAt } from './optimisers/schedule.ts';
import { followPace } from './pace.ts';
import { layOutParameters } from './parameters.ts';
import { emitTrainingGraph, feedNames, reachedPart } from './trainingGraph.ts';
import { createTrainingSession } from './trainingSession.ts';
import { checkOptions, type TrainOptions, type TrainResult } from './trainOptions.ts';
import {
  checkState,
  feedsOfState,
  floats,
  initialState,
  nextState,
  scalar,
  trainedGraph,
  type TrainState,
} from './trainState.ts';
import { createValidator, isBetter, type Validation } from './validation.ts';

export type { Checkpoint, TrainOptions, TrainProgress, TrainResult } from './trainOptions.ts';

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
  const masks = maskFactors(options.masks ?? new Map(), parameters);
  const adaptive = adaptiveWeights(options);
  const emitted = emitTrainingGraph({
    graph,
    parameters,
    objectives: objectives.map(({ input, output, data, loss, weight = 1, batchSize, teacher }) => ({
      ...{ input, output, loss, weight, batchSize, sampleDims: data.sampleDims },
      distillation: teacher?.distillation ?? 0,
      temperature: teacher?.temperature ?? 1,
    })),
    batchSize,
    optimiser,
    weightDecay: options.optimiser.weightDecay ?? 0,
    clipNorm: options.clipNorm,
    frozenStatistics: options.frozenStatistics ?? false,
    feedsWeights: adaptive !== undefined,
    masks,
    provider,
  });
  const begun = initialState(graph, parameters, optimiser, emitted, masks);
  const fresh = adaptive ? { ...begun, lossHistory: adaptive.start } : begun;
  let state = checkpoint.from ?? fresh;
  checkState(state, fresh, steps);

  const sessionOptions = { provider, ...(threads !== undefined && { threads }) };
  const validations: Validation[] = [];
  const validator =
    options.validation && createValidator(objectives, options.validation, sessionOptions, signal);
  /** Looks at the network as it stands when it is time to. */
  const look = async (): Promise<Validation | undefined> => {
    const { validation } = options;
    if (!validator || !validation || (state.step % validation.every !== 0 && state.step !== steps)) return;
    const seen = await validator(trainedGraph(graph, parameters, state), state.step);
    validations.push(seen);
    options.onLook?.(seen);
    state = withBest(state, seen, (best) => isBetter(seen.score, best, validation));
    return seen;
  };
  const isStuck = (): boolean => (state.best?.waits ?? 0) >= (options.validation?.patience ?? Infinity);

  const session = await createTrainingSession(emitted.graph, sessionOptions);
  const losses: number[][] = [];
  try {
    const feeder = await createFeeder({ objectives, emitted, batchSize, seed, sessionOptions });
    try {
      if (!state.best) await look();
      const follow = followPace(steps, performance.now());
      while (state.step < steps && !isStuck()) {
        signal?.throwIfAborted();
        const learningRate = learningRateAt(options.schedule, state.step, steps);
        const factors = adaptive?.weights(state.lossHistory ?? adaptive.start, state.step) ?? [];
        const results = await session.run({
          ...(await feeder.feeds(state.step)),
          ...feedsOfState(state, optimiser.scalars(state.step + 1, learningRate)),
          ...Object.fromEntries(factors.map((factor, index) => [feedNames.weight(index), scalar(factor)])),
        });
        state = nextState(state, emitted, optimiser, results);
        const row = emitted.losses.map((name) => floats(results[name], name)[0] ?? NaN);
        checkLosses(row, objectives, state.step);
        losses.push(row);
        if (adaptive) state = withLosses(state, adaptive, row);
        const validation = await look();
        const isLast = state.step === steps || isStuck();
        options.onProgress?.({
          ...{ step: state.step, steps, losses: row, isLast },
          ...follow(state.step, row, performance.now()),
          weights: objectives.map(({ weight = 1 }, index) => weight * (factors[index] ?? 1)),
          ...(validation && { validation }),
        });
        // Last, so that whoever keeps what was told keeps it with the checkpoint.
        if (checkpoint.save && (isLast || state.step % (checkpoint.every ?? steps) === 0)) {
          await checkpoint.save(state);
        }
      }
    } finally {
      await feeder.release();
    }
  } finally {
    await session.release();
  }
  const { best = state, step } = state;
  if (!best.parameters.every(Number.isFinite)) {
    throw new Error(
      'Cannot finish training: the last step left parameters that are not finite; lower the learning rate',
    );
  }
  return {
    graph: trainedGraph(graph, parameters, best),
    losses,
    stopped: { step, reason: step < steps ? 'patience' : 'steps' },
    validations,
    ...(state.best && { best: { score: state.best.score, step: state.best.step } }),
  };
}

function adaptiveWeights({ lossWeighting, objectives }: TrainOptions): DynamicAverage | undefined {
  return lossWeighting?.kind === 'dynamic-average'
    ? dynamicAverage(lossWeighting, objectives.length)
    : undefined;
}

function withLosses(state: TrainState, adaptive: DynamicAverage, losses: readonly number[]): TrainState {
  return { ...state, lossHistory: adaptive.next(state.lossHistory ?? adaptive.start, state.step, losses) };
}

/** The state after a look at validation samples: a better network is remembered, another one is waited for. */
function withBest(
  state: TrainState,
  { score, step }: Validation,
  beats: (best: number) => boolean,
): TrainState {
  const { best, parameters, statistics } = state;
  if (best && !beats(best.score)) return { ...state, best: { ...best, waits: best.waits + 1 } };
  return { ...state, best: { score, step, waits: 0, parameters, statistics } };
}

function checkLosses(losses: readonly number[], objectives: readonly Objective[], step: number): void {
  const index = losses.findIndex((loss) => !Number.isFinite(loss));
  if (index < 0) return;
  throw new Error(
    `Cannot go on training "${objectives[index]?.output ?? ''}": its loss is ${losses[index] ?? ''} at step ${step}; ` +
      'lower the learning rate or clip the gradient',
  );
}
