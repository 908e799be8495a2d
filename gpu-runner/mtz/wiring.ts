import type { Graph } from '../onnx/graph.ts';
import { blockOf, blocksOfTask, layerAt, type Block, type Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { allOf, label, type TaskSet } from './taskSet.ts';

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
    return writeTask(writer, network, position, { input: () => input, rename: (name) => `${name}@${task}` });
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
  return writer.finish([writeTask(writer, network, position, { input: () => input })]);
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
    const output = writeTask(writer, network, position, {
      input: () => writer.input(network.input.name),
      tap(index, block) {
        const value = known[index];
        if (!value || block.tasks !== allOf(network.tasks.length)) return undefined;
        read.add(value.name);
        return writer.tap(value);
      },
    });
    return { task, graph: writer.finish([output]) };
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

interface TaskSources {
  /** Called once, where the first layer is needed. */
  readonly input: () => string;
  /** The value of a block that need not be written, if any. Asked once a block. */
  readonly tap?: (index: number, block: Block) => string | undefined;
  /** Tells the values of one task from another's in the same graph. */
  readonly rename?: (name: string) => string;
}

/** Writes what one task's output depends on, and returns the output. */
function writeTask(writer: NetworkWriter, network: Network, task: number, sources: TaskSources): string {
  const { input, tap, rename = (name: string) => name } = sources;
  const written = new Map<string, string>();
  const once = (name: string, write: () => string): string => {
    const value = written.get(name) ?? write();
    written.set(name, value);
    return value;
  };
  function valueOf(index: number, block: Block): string {
    const name = valueName(network, index, block);
    return once(name, () => tap?.(index, block) ?? write(index, block, rename(name)));
  }
  function write(index: number, block: Block, name: string): string {
    const inputs = new Map<TaskSet, string>();
    if (index === 0) inputs.set(allOf(network.tasks.length), once('', input));
    else {
      for (const below of blocksOfTask(layerAt(network, index - 1), task)) {
        if (block.edges.has(below.tasks)) inputs.set(below.tasks, valueOf(index - 1, below));
      }
    }
    return writer.block(index, block, inputs, name);
  }
  const last = network.layers.length - 1;
  const [logits] = blocksOfTask(layerAt(network, last), task);
  const name = network.tasks[task];
  if (!logits || name === undefined)
    throw new Error(`Cannot write task ${task}: the network does not have it`);
  return write(last, logits, name);
}

/** What a block's value is called, after the operators that follow the layer, e.g. "conv1.digit+fashion". */
const valueName = (network: Network, index: number, block: Block): string =>
  `${layerAt(network, index).shape.name}.${label(block.tasks, network.tasks)}`;
