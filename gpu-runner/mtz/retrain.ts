import type { Retraining } from '../../shared/recipe.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { train, type TrainProgress } from '../engine/train.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { matrix } from '../linalg/matrix.ts';
import type { Block, Network } from './network.ts';
import { biasName, weightName } from './networkWriter.ts';
import { jointGraph, taskInput } from './wiring.ts';

export interface Lesson {
  readonly task: string;
  readonly data: Dataset;
  /** The untouched network of the task. */
  readonly original: Graph;
}

export interface RetrainOptions {
  readonly retraining: Retraining;
  readonly steps: number;
  readonly seed: number;
  readonly provider: Provider;
  readonly onProgress?: (progress: TrainProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Share of the steps over which the learning rate rises, so that fresh optimiser state does no harm. */
const warmUpShare = 0.1;

/** Trains all weights of the network on all tasks at once: every step reads one batch of each. */
export async function retrain(
  network: Network,
  lessons: readonly Lesson[],
  { retraining, steps, seed, provider, onProgress, signal }: RetrainOptions,
): Promise<Network> {
  if (steps === 0) return network;
  const { batchSize, learningRate, weightDecay, distillation, temperature } = retraining;
  const graph = jointGraph(network);
  const { graph: trained } = await train({
    graph,
    parameters: parameterNames(network),
    objectives: lessons.map(({ task, data, original }) => ({
      input: taskInput(network, task),
      output: task,
      data,
      loss: 'softmax-cross-entropy' as const,
      ...(distillation > 0 && { teacher: { graph: original, distillation, temperature } }),
    })),
    steps,
    batchSize,
    optimiser: { kind: 'adamw', weightDecay },
    schedule: { learningRate, warmUpSteps: Math.ceil(steps * warmUpShare), decay: 'cosine' },
    seed,
    provider,
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  return withParameters(network, trained.initializers);
}

/** The names of all weights and biases in the network's graphs. */
export function parameterNames(network: Network): string[] {
  return network.layers.flatMap(({ blocks }, index) =>
    blocks.flatMap(({ tasks, edges }) => [
      biasName(network, index, tasks),
      ...[...edges.keys()].map((from) => weightName(network, index, tasks, from)),
    ]),
  );
}

/**
 * The same network with the weights that a graph of it holds.
 *
 * @throws {Error} when one is missing or has another size.
 */
export function withParameters(network: Network, parameters: ReadonlyMap<string, Tensor>): Network {
  const values = (name: string, length: number): Float64Array => {
    const tensor = parameters.get(name);
    if (tensor?.dtype !== 'float32' || tensor.data.length !== length) {
      throw new Error(`Cannot take over "${name}": the graph does not hold its ${length} float32 values`);
    }
    return Float64Array.from(tensor.data);
  };
  const reread = (index: number, block: Block): Block => ({
    ...block,
    bias: values(biasName(network, index, block.tasks), block.bias.length),
    edges: new Map(
      [...block.edges].map(([from, { rows, cols }]) => {
        const name = weightName(network, index, block.tasks, from);
        return [from, matrix(rows, cols, values(name, rows * cols))];
      }),
    ),
  });
  return {
    ...network,
    layers: network.layers.map(({ shape, blocks }, index) => ({
      shape,
      blocks: blocks.map((block) => reread(index, block)),
    })),
  };
}
