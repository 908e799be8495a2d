import type { Wiring } from '../../shared/recipe.ts';
import { matrix, type Matrix } from '../linalg/matrix.ts';
import type { ChannelOp, LayerShape, TaskChain } from './chain.ts';
import { checkCompatible } from './compatible.ts';
import { allOf, maxTasks, meets, members, single, type TaskSet } from './taskSet.ts';

/** The channels of a layer that exactly the tasks in `tasks` use. */
export interface Block {
  readonly tasks: TaskSet;
  /** For each channel, which channel of each task's own network it was. */
  readonly sources: readonly Readonly<Record<string, number>>[];
  /** [channels] */
  readonly bias: Float64Array;
  /**
   * Weights [channels, input channels * area] by the block of the layer below that they read. The tasks in both blocks
   * use them. An edge that does not exist is not here.
   */
  readonly edges: ReadonlyMap<TaskSet, Matrix>;
}

export interface NetworkLayer {
  readonly shape: LayerShape;
  readonly blocks: readonly Block[];
}

/**
 * Several networks as one: layer by layer, blocks of channels, each used by a set of tasks. Never changed in place. The
 * input counts as one block that all tasks use. In the last layer every task has a block of its own, its logits.
 */
export interface Network {
  readonly tasks: readonly string[];
  readonly wiring: Wiring;
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly before: readonly ChannelOp[];
  readonly layers: readonly NetworkLayer[];
}

/**
 * The networks side by side, nothing shared yet but the input.
 *
 * @throws {Error} when they are not built alike or a task appears twice.
 */
export function joinChains(chains: readonly TaskChain[], wiring: Wiring): Network {
  const tasks = chains.map(({ task }) => task);
  if (new Set(tasks).size < tasks.length)
    throw new Error(`Cannot zip ${tasks.join(', ')}: a task appears twice`);
  if (tasks.length > maxTasks)
    throw new Error(`Cannot zip ${tasks.length} networks: the limit is ${maxTasks}`);
  const [first] = chains;
  if (!first) throw new Error('Cannot zip: no network is given');
  checkCompatible(chains);
  const layers = first.chain.layers.map((shape, index) => ({
    shape: {
      name: shape.name,
      convolution: shape.convolution,
      area: shape.area,
      outputSize: shape.outputSize,
      after: shape.after,
    },
    blocks: chains.map(({ task, chain }, position): Block => {
      const { weight, bias } = chain.layers[index] ?? { weight: matrix(0, 0), bias: new Float64Array() };
      return {
        tasks: single(position),
        sources: Array.from(bias, (_, channel) => ({ [task]: channel })),
        bias,
        edges: new Map([[index === 0 ? allOf(tasks.length) : single(position), weight]]),
      };
    }),
  }));
  const { name, dims } = first.chain.input;
  // Outputs are named after the tasks.
  const input = { name: tasks.includes(name) ? `${name}.input` : name, dims };
  return { tasks, wiring, input, before: first.chain.before, layers };
}

/** @throws {Error} when the network has no such layer. */
export function layerAt(network: Network, index: number): NetworkLayer {
  const layer = network.layers[index];
  if (!layer) throw new Error(`Cannot find layer ${index} of ${network.layers.length}`);
  return layer;
}

/** The block of exactly these tasks, if the layer has one. */
export const blockOf = (layer: NetworkLayer, tasks: TaskSet): Block | undefined =>
  layer.blocks.find((block) => block.tasks === tasks);

/** The blocks that one task uses, in the layer's order. */
export const blocksOfTask = (layer: NetworkLayer, task: number): Block[] =>
  layer.blocks.filter((block) => meets(block.tasks, single(task)));

/** Channels that one task has in a layer, shared or not. */
export const widthOf = (layer: NetworkLayer, task: number): number =>
  blocksOfTask(layer, task).reduce((sum, block) => sum + block.sources.length, 0);

/** A block as the layer above reads it: `columns` columns of its weights, one for each channel and position. */
export interface InputBlock {
  readonly tasks: TaskSet;
  readonly columns: number;
}

/** The blocks that layer `index` reads; the input is one block of all tasks. */
export function inputBlocks(network: Network, index: number): InputBlock[] {
  const { area } = layerAt(network, index).shape;
  if (index === 0) {
    return [{ tasks: allOf(network.tasks.length), columns: (network.input.dims[0] ?? 1) * area }];
  }
  return layerAt(network, index - 1).blocks.map(({ tasks, sources }) => ({
    tasks,
    columns: sources.length * area,
  }));
}

/** Names of the tasks in a set. */
export const taskNames = (network: Network, set: TaskSet): string[] =>
  members(set).map((task) => network.tasks[task] ?? String(task));
