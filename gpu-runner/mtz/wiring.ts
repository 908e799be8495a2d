import type { Graph } from '../onnx/graph.ts';
import { blockOf, type Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { allOf } from './taskSet.ts';
import { TaskWriter, valueName } from './taskWriter.ts';

/** The name of the input that one task's samples enter a {@link jointGraph} by. Its output is named after the task. */
export const taskInput = (network: Network, task: string): string => `${network.input.name}.${task}`;

/**
 * All tasks in one graph, each with an input and an output of its own, all reading the same weights: for training and
 * evaluation, where every task has other samples.
 */
export function jointGraph(network: Network): Graph {
  const writer = new NetworkWriter(network, network.tasks.join('+'));
  const outputs = network.tasks.map((task, position) => {
    const input = writer.input(taskInput(network, task));
    const sources = { input: () => input, rename: (name: string) => `${name}@${task}` };
    return new TaskWriter(writer, network, position, sources).logits();
  });
  return writer.finish(outputs);
}

/**
 * The network of one task alone, from the common input to the output named after the task.
 *
 * @throws {Error} when the network has no such task.
 */
export function taskGraph(network: Network, task: string): Graph {
  const position = network.tasks.indexOf(task);
  if (position < 0)
    throw new Error(`Cannot find task "${task}": the network has ${network.tasks.join(', ')}`);
  const writer = new NetworkWriter(network, task);
  const input = writer.input(network.input.name);
  return writer.finish([new TaskWriter(writer, network, position, { input: () => input }).logits()]);
}

export interface ServingGraphs {
  /** What all tasks have in common on one input; its outputs are the taps. Null when nothing is. */
  readonly trunk: Graph | null;
  /** Each reads the input, taps, or both, and has one output, named after its task. */
  readonly heads: readonly { readonly task: string; readonly graph: Graph }[];
}

/**
 * The network cut for serving: what comes out the same for all tasks on one input is computed once, in the trunk, and
 * the rest of each task in its head.
 */
export function servingGraphs(network: Network): ServingGraphs {
  const trunk = new NetworkWriter(network, 'trunk');
  const inTrunk = writeTrunk(trunk, network);
  const known = inTrunk.length > 0 ? trunk.finish(inTrunk).outputs : [];
  const read = new Set<string>();
  const heads = network.tasks.map((task, position) => {
    const writer = new NetworkWriter(network, task);
    const head = new TaskWriter(writer, network, position, {
      input: () => writer.input(network.input.name),
      tap(index, block) {
        const value = known[index];
        if (!value || block.tasks !== allOf(network.tasks.length)) return undefined;
        read.add(value.name);
        return writer.tap(value);
      },
    });
    return { task, graph: writer.finish([head.logits()]) };
  });
  return { trunk: read.size > 0 ? trunk.finish([...read].sort(byPosition(inTrunk))) : null, heads };
}

const byPosition = (names: readonly string[]) => (one: string, other: string) =>
  names.indexOf(one) - names.indexOf(other);

/**
 * Writes the blocks whose value does not depend on the task: those of all tasks that read only such blocks. They lie in
 * the first layers, one a layer; the last layer is every task's own.
 *
 * @returns the value of each such layer's block, from the first layer on
 */
function writeTrunk(writer: NetworkWriter, network: Network): string[] {
  const all = allOf(network.tasks.length);
  const values: string[] = [];
  if (network.tasks.length === 1) return values;
  let below: string | undefined;
  for (const [index, layer] of network.layers.slice(0, -1).entries()) {
    const block = blockOf(layer, all);
    if (!block || [...block.edges.keys()].some((from) => from !== all)) break;
    below ??= writer.input(network.input.name);
    below = writer.block(index, block, new Map([[all, below]]), valueName(network, index, block));
    values.push(below);
  }
  return values;
}
