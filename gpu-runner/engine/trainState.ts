import type { Tensor } from '../../shared/tensor.ts';
import type { Graph } from '../onnx/graph.ts';
import { CheckpointError } from './checkpointError.ts';
import type { LossHistory } from './lossWeights.ts';
import type { Optimiser } from './optimisers/optimiser.ts';
import { packParameters, unpackParameters, type Parameter } from './parameters.ts';
import { feedNames, type TrainingGraph } from './trainingGraph.ts';

/** Everything a training run needs to go on as if it had never stopped. Its arrays are never written to. */
export interface TrainState {
  /** Steps done. */
  readonly step: number;
  /** All parameters, one after the other. */
  readonly parameters: Float32Array;
  /** State vectors by the optimiser's names. */
  readonly optimiser: Readonly<Record<string, Float32Array>>;
  /** Running statistics of normalisations by the initializer's name. */
  readonly statistics: Readonly<Record<string, Float32Array>>;
  /** What loss weights that adapt go by; absent where they are fixed. */
  readonly lossHistory?: LossHistory;
  /** What early stopping goes by; absent before the first look, and without validation. */
  readonly best?: BestSoFar;
}

/** The best validation so far, and the network that had it. */
export interface BestSoFar {
  readonly score: number;
  /** Steps done then. */
  readonly step: number;
  /** Looks since then. */
  readonly waits: number;
  readonly parameters: Float32Array;
  readonly statistics: Readonly<Record<string, Float32Array>>;
}

/** @param masks where a parameter starts at 0 whatever it is in the graph */
export function initialState(
  graph: Graph,
  parameters: readonly Parameter[],
  optimiser: Optimiser,
  emitted: TrainingGraph,
  masks: ReadonlyMap<string, Float32Array> = new Map(),
): TrainState {
  const flat = packParameters(graph, parameters);
  for (const { name, offset } of parameters) {
    for (const [index, factor] of (masks.get(name) ?? []).entries())
      if (factor === 0) flat[offset + index] = 0;
  }
  const statistics = [...emitted.statistics.keys()].map((name) => [
    name,
    floats(graph.initializers.get(name), name),
  ]);
  return {
    step: 0,
    parameters: flat,
    optimiser: Object.fromEntries(optimiser.state.map((name) => [name, new Float32Array(flat.length)])),
    statistics: Object.fromEntries(statistics) as Record<string, Float32Array>,
  };
}

/** @throws {CheckpointError} when a saved state is not one of this training run, which would begin with `fresh`. */
export function checkState(state: TrainState, fresh: TrainState, steps: number): void {
  const sizes = ({ parameters, optimiser, statistics, lossHistory }: TrainState): string =>
    [{ parameters }, optimiser, statistics, ...(lossHistory ? [lossHistory] : [])]
      .map((group) => Object.entries(group).map(([name, { length }]) => `${name} [${length}]`))
      .map((names) => names.toSorted().join(', '))
      .join('; ');
  const [have, need] = [sizes(state), sizes(fresh)];
  if (have !== need)
    throw new CheckpointError(`Cannot resume training: the checkpoint holds ${have}; this run needs ${need}`);
  const { best } = state;
  if (best) {
    const [kept, wanted] = [sizes({ ...fresh, ...best }), sizes(fresh)];
    if (kept !== wanted)
      throw new CheckpointError(
        `Cannot resume training: the checkpoint's best network holds ${kept}; this run needs ${wanted}`,
      );
  }
  if (!(Number.isInteger(state.step) && state.step >= 0 && state.step <= steps)) {
    throw new CheckpointError(`Cannot resume training at step ${state.step} of ${steps}`);
  }
}

export function feedsOfState(
  state: TrainState,
  scalars: Readonly<Record<string, number>>,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = { [feedNames.parameters]: vector(state.parameters) };
  for (const [name, data] of Object.entries(state.optimiser)) feeds[feedNames.state(name)] = vector(data);
  for (const [name, data] of Object.entries(state.statistics))
    feeds[feedNames.statistic(name)] = vector(data);
  for (const [name, value] of Object.entries(scalars)) {
    feeds[feedNames.scalar(name)] = scalar(value);
  }
  return feeds;
}

/**
 * Momenta of weights that stopped learning fade by a factor a step and would stay among the denormal numbers, on which
 * CPUs are many times slower (a third of a LeNet's after 1,500 steps). They are cleared long before: at 1e-30, every
 * 50 steps, over which a momentum of 0.9 fades by 5e-3.
 */
const clearing = { below: 1e-30, everySteps: 50 };

/** The state after a step, from what its graph gave. */
export function nextState(
  state: TrainState,
  emitted: TrainingGraph,
  optimiser: Optimiser,
  results: Readonly<Record<string, Tensor>>,
): TrainState {
  const read = (value: string): Float32Array => floats(results[value], value);
  const { next, statistics } = emitted;
  const step = state.step + 1;
  const clears = step % clearing.everySteps === 0;
  const momentum = (value: string): Float32Array => (clears ? read(value).map(cleared) : read(value));
  return {
    ...state,
    step,
    parameters: read(next.parameters),
    optimiser: Object.fromEntries(
      optimiser.state.map((name, index) => [name, momentum(next.state[index] ?? '')]),
    ),
    statistics: Object.fromEntries([...statistics].map(([name, value]) => [name, read(value)])),
  };
}

const cleared = (value: number): number => (Math.abs(value) < clearing.below ? 0 : value);

/** A copy of the graph with the parameters and statistics of a state. */
export function trainedGraph(
  graph: Graph,
  parameters: readonly Parameter[],
  state: Pick<TrainState, 'parameters' | 'statistics'>,
): Graph {
  const copy = unpackParameters(graph, parameters, state.parameters);
  for (const [name, data] of Object.entries(state.statistics)) copy.initializers.set(name, vector(data));
  return copy;
}

/** @throws {Error} when there is no such tensor, or it is not float32. */
export function floats(tensor: Tensor | undefined, name: string): Float32Array {
  if (tensor?.dtype === 'float32') return tensor.data;
  throw new Error(`Cannot read "${name}": it is ${tensor?.dtype ?? 'missing'}, not float32`);
}

export const scalar = (value: number): Tensor => ({
  dtype: 'float32',
  dims: [],
  data: Float32Array.of(value),
});

const vector = (data: Float32Array): Tensor => ({ dtype: 'float32', dims: [data.length], data });
