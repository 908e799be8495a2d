/**
 * A training step as one graph of standard operators: forward, losses, backward and optimiser. All parameters come in
 * as one flat vector and go out as the next one; the optimiser's state likewise.
 */
import type { Graph, ValueInfo } from '../onnx/graph.ts';
import { backpropagate, type Seed } from './autodiff/differentiate.ts';
import { Emitter } from './emitter.ts';
import { emitForward, type TrainingForms } from './forward.ts';
import { distillation } from './losses/distillation.ts';
import type { EmittedLoss } from './losses/loss.ts';
import { losses, type LossName } from './losses/losses.ts';
import { targetsOf } from './losses/targets.ts';
import { clipNorm } from './optimisers/clipNorm.ts';
import type { Optimiser } from './optimisers/optimiser.ts';
import { flatLength, type Parameter } from './parameters.ts';
import type { Provider } from './providers.ts';

/** Running statistics that stay as they are: all, none, or the initializers of these names. */
export type FrozenStatistics = boolean | readonly string[];

/** What one output is trained for. */
export interface EmittedObjective {
  readonly input: string;
  readonly output: string;
  /** Dims of one sample of the input, without the batch. */
  readonly sampleDims: readonly number[];
  readonly loss: LossName;
  /** Factor of this objective in the sum that is minimised. */
  readonly weight: number;
  /** Samples in one step; default: the run's. */
  readonly batchSize?: number | undefined;
  /** Share of the distillation loss, 0 (labels only) to 1 (no labels). */
  readonly distillation: number;
  readonly temperature: number;
}

export interface TrainingGraphOptions {
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  readonly objectives: readonly EmittedObjective[];
  readonly batchSize: number;
  readonly optimiser: Optimiser;
  readonly weightDecay: number;
  /** Longest gradient, in Euclidean length over all parameters; undefined: any. */
  readonly clipNorm: number | undefined;
  /** BatchNormalization stays as in inference, by running statistics that do not move: all, or those of these names. */
  readonly frozenStatistics: FrozenStatistics;
  /** Feeds one more factor of each objective's loss, which changes with the step; default false. */
  readonly feedsWeights?: boolean;
  /** Factors of the gradients, by parameter: 0 where it is never to change. */
  readonly masks?: ReadonlyMap<string, Float32Array>;
  readonly provider: Provider;
}

/** What is fed by name, and where the results of a step are. */
export interface TrainingGraph {
  readonly graph: Graph;
  /** The next parameters and state vectors, in the order of `optimiser.state`. */
  readonly next: { readonly parameters: string; readonly state: readonly string[] };
  /** The next value of each running statistic, by the initializer it began as. */
  readonly statistics: ReadonlyMap<string, string>;
  /** Dims of the uniform noise that each Dropout is fed. */
  readonly noise: readonly (readonly number[])[];
  /** The loss of each objective, before its weight. */
  readonly losses: readonly string[];
  /** Columns of each objective's output. */
  readonly widths: readonly number[];
}

/** Names of the values that are fed. */
export const feedNames = {
  parameters: 'parameters',
  state: (name: string) => `state/${name}`,
  scalar: (name: string) => `scalar/${name}`,
  statistic: (name: string) => `statistic/${name}`,
  noise: (index: number) => `noise/${index}`,
  /** float32 scalar, where the weights change with the step */
  weight: (objective: number) => `weight/${objective}`,
  /** float32 [batch, ...sampleDims] */
  input: (objective: number) => `batch/${objective}/input`,
  /** int32 [batch], where labels count */
  labels: (objective: number) => `batch/${objective}/labels`,
  /** float32 [batch, width], where a teacher does */
  teacher: (objective: number) => `batch/${objective}/teacher`,
};

/**
 * Every objective runs its own copy of what its output needs, so that several can read the same input.
 *
 * @throws {Error} when an objective does not fit the graph, an operator cannot be trained through, or no objective
 * depends on a parameter.
 */
export function emitTrainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const { graph, parameters, provider, masks } = options;
  const emit = new Emitter(`${graph.name}_training`);
  const length = flatLength(parameters);
  const flat = emit.input(feedNames.parameters, 'float32', [length]);
  const slices = new Map(
    parameters.map(({ name, dims, offset, length }) => [
      name,
      emit.reshape(emit.slice(flat, 0, offset, offset + length), dims),
    ]),
  );
  const statistics = emitStatistics(emit, graph, options);
  const noise: (readonly number[])[] = [];
  const forms: TrainingForms = {
    statistics,
    noise: (dims) => emit.input(feedNames.noise(noise.push(dims) - 1), 'float32', dims),
  };
  const values = new Map(slices);
  const trained = options.objectives.map((objective, index) =>
    emitObjective(emit, options, objective, index, values, forms),
  );

  const grads = backpropagate(
    emit,
    trained.map(({ seed }) => seed),
    [...slices.values()],
    { provider },
  );
  const flatGrads = parameters.map(({ name, length }) => {
    const grad = grads.get(slices.get(name) ?? '');
    if (grad === undefined) throw new Error(`Cannot train "${name}": no objective depends on it`);
    return masked(emit, name, emit.reshape(grad, [length]), masks?.get(name));
  });
  const next = emitOptimiser(emit, options, flat, emit.concat(flatGrads, 0));
  const results = [
    next.parameters,
    ...next.state,
    ...statistics.values(),
    ...trained.map(({ value }) => value),
  ];
  for (const value of results) emit.output(value);
  return {
    graph: emit.graph,
    next,
    statistics,
    noise,
    losses: trained.map(({ value }) => value),
    widths: trained.map(({ width }) => width),
  };
}

function emitObjective(
  emit: Emitter,
  { graph, batchSize, feedsWeights = false }: TrainingGraphOptions,
  objective: EmittedObjective,
  index: number,
  values: Map<string, string>,
  forms: TrainingForms,
): { value: string; seed: Seed; width: number } {
  const { loss, weight, distillation: share, temperature, batchSize: batch = batchSize } = objective;
  const path = graph.extract([inputOf(graph, objective)], [outputOf(graph, objective)]);
  const input = emit.input(feedNames.input(index), 'float32', [batch, ...objective.sampleDims]);
  values.set(objective.input, input);
  const named = emitForward(emit, path, values, forms).get(objective.output) ?? '';
  const dims = emit.dims(named);
  const width = dims.slice(1).reduce((product, dim) => product * dim, 1);
  if (dims[0] !== batch) {
    throw new Error(`Cannot train "${objective.output}": it is [${dims.join()}] for a batch of ${batch}`);
  }
  const output = emit.reshape(named, [batch, width]);
  const parts: { share: number; emitted: EmittedLoss }[] = [];
  if (share < 1) {
    const labels = emit.input(feedNames.labels(index), 'int32', [batch]);
    parts.push({ share: 1 - share, emitted: losses[loss](emit, output, targetsOf(emit, labels, output)) });
  }
  if (share > 0) {
    const teacher = emit.input(feedNames.teacher(index), 'float32', [batch, width]);
    parts.push({ share, emitted: distillation(emit, output, teacher, temperature) });
  }
  const mixed = (of: keyof EmittedLoss, factor: number): string =>
    parts
      .map(({ share, emitted }) => emit.scale(emitted[of], share * factor))
      .reduce((sum, part) => emit.add(sum, part));
  const fixed = mixed('grad', weight);
  const grad = feedsWeights ? emit.mul(fixed, emit.input(feedNames.weight(index), 'float32', [])) : fixed;
  return { value: mixed('value', 1), seed: { value: output, grad }, width };
}

/**
 * A pruned weight that starts at 0 stays there: its gradient is 0, hence its momentum, and 0 decays to 0.
 */
function masked(emit: Emitter, name: string, grad: string, mask: Float32Array | undefined): string {
  if (!mask) return grad;
  const factors = { dtype: 'float32', dims: [mask.length], data: mask } as const;
  return emit.mul(grad, emit.initializer(`mask/${name}`, factors));
}

/**
 * What the objectives' outputs need of a graph.
 *
 * @throws {Error} when the graph lacks one of the outputs.
 */
export function reachedPart(graph: Graph, objectives: readonly { readonly output: string }[]): Graph {
  const part = graph.clone();
  part.outputs = objectives.map(({ output }) => outputNamed(graph, output));
  part.prune();
  return part;
}

/** Feeds the running statistics of every BatchNormalization that is not frozen. */
function emitStatistics(
  emit: Emitter,
  graph: Graph,
  { objectives, frozenStatistics: frozen }: Pick<TrainingGraphOptions, 'objectives' | 'frozenStatistics'>,
): Map<string, string> {
  const statistics = new Map<string, string>();
  if (frozen === true) return statistics;
  for (const node of reachedPart(graph, objectives).nodes) {
    if (node.op !== 'BatchNormalization') continue;
    for (const name of node.inputs.slice(3)) {
      const tensor = graph.initializers.get(name);
      const moves = frozen === false || !frozen.includes(name);
      if (tensor && moves && !statistics.has(name)) {
        statistics.set(name, emit.input(feedNames.statistic(name), 'float32', tensor.dims));
      }
    }
  }
  return statistics;
}

function emitOptimiser(
  emit: Emitter,
  { parameters, optimiser, weightDecay, clipNorm: limit }: TrainingGraphOptions,
  flat: string,
  grad: string,
): TrainingGraph['next'] {
  const dims = emit.dims(flat);
  const state = optimiser.state.map((name) => emit.input(feedNames.state(name), 'float32', dims));
  const scalars = Object.keys(optimiser.scalars(1, 0)).map((name) => [
    name,
    emit.input(feedNames.scalar(name), 'float32', []),
  ]);
  const decays = weightDecay > 0 && parameters.some((parameter) => parameter.decays);
  return optimiser.emit(emit, {
    parameters: flat,
    grad: limit === undefined ? grad : clipNorm(emit, grad, limit),
    decay: decays ? emit.initializer('decay', decayVector(parameters, weightDecay)) : undefined,
    state,
    scalars: Object.fromEntries(scalars) as Record<string, string>,
  });
}

function decayVector(
  parameters: readonly Parameter[],
  weightDecay: number,
): { dtype: 'float32'; dims: number[]; data: Float32Array } {
  const data = new Float32Array(flatLength(parameters));
  for (const { offset, length, decays } of parameters)
    if (decays) data.fill(weightDecay, offset, offset + length);
  return { dtype: 'float32', dims: [data.length], data };
}

function inputOf(graph: Graph, { input, sampleDims }: EmittedObjective): ValueInfo {
  const info = graph.inputs.find(({ name }) => name === input);
  if (!info) throw new Error(`Cannot train graph "${graph.name}": it has no input "${input}"`);
  const declared = info.dims.slice(1);
  const fits =
    info.dtype === 'float32' &&
    declared.length === sampleDims.length &&
    declared.every((dim, axis) => typeof dim !== 'number' || dim === sampleDims[axis]);
  if (fits) return info;
  const takes = `${info.dtype} [${info.dims.map((dim) => dim ?? '?').join()}]`;
  throw new Error(
    `Cannot train on "${input}": it takes ${takes}, the data set has samples of float32 [${sampleDims.join()}]`,
  );
}

function outputOf(graph: Graph, { output, loss }: EmittedObjective): ValueInfo {
  const info = outputNamed(graph, output);
  const producer = graph.producers().get(output)?.op;
  if (
    (producer === 'Softmax' && loss === 'softmax-cross-entropy') ||
    (producer === 'Sigmoid' && loss === 'binary-cross-entropy')
  ) {
    throw new Error(
      `Cannot train "${output}" with ${loss}: the loss takes logits, this output comes from ${producer}`,
    );
  }
  return info;
}

function outputNamed(graph: Graph, output: string): ValueInfo {
  const info = graph.outputs.find(({ name }) => name === output);
  if (!info) throw new Error(`Cannot train graph "${graph.name}": it has no output "${output}"`);
  return info;
}
