import type { Graph } from '../onnx/graph.ts';
import { JoinedTaskWriter } from './joinedTaskWriter.ts';
import { blockOf, isWeighted, rowsOf, type Network } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { allOf } from './taskSet.ts';
import { TaskWriter } from './taskWriter.ts';
import { inputOf, valueAt } from './topology.ts';

/** The name of the input that one task's samples enter a {@link jointGraph} by. Its output is named after the task. */
export const taskInput = (network: Network, task: string): string => `${network.topology.input.name}.${task}`;

/**
 * All tasks in one graph, each with an input and an output of its own, all reading the same weights: for training and
 * evaluation, where every task has other samples.
 *
 * @param options.logits whether a Softmax at the end of a task is left out, as losses want it
 * @param options.joined whether every layer of a task is one operator, its parts' weights put together in the graph: faster
 * to train than an operator a part
 */
export function jointGraph(network: Network, { logits = false, joined = false } = {}): Graph {
  const writer = new NetworkWriter(network, network.tasks.join('+'));
  const outputs = network.tasks.map((task, position) => {
    const input = writer.input(taskInput(network, task));
    const sources = { input: () => input, rename: (name: string) => `${name}@${task}`, logits };
    const Writer = joined ? JoinedTaskWriter : TaskWriter;
    return new Writer(writer, network, position, sources).answer();
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
  const input = writer.input(network.topology.input.name);
  return writer.finish([new TaskWriter(writer, network, position, { input: () => input }).answer()]);
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
  const all = allOf(network.tasks.length);
  const common = network.tasks.length > 1 ? commonValues(network) : new Set<number>();
  const values = [...common].sort((a, b) => a - b);
  const whole = new NetworkWriter(network, 'trunk');
  const wholeInput = network.topology.input.name;
  const trunkWriter = (writer: NetworkWriter): TaskWriter => {
    let input: string | undefined;
    return new TaskWriter(writer, network, 0, { input: () => (input ??= writer.input(wholeInput)) });
  };
  const wholeTrunk = trunkWriter(whole);
  const names = new Map(values.map((value) => [value, wholeTrunk.value(value, all)]));
  const types = new Map(
    values.length > 0 ? whole.finish([...new Set(names.values())]).outputs.map((tap) => [tap.name, tap]) : [],
  );

  const read = new Set<number>();
  const heads = network.tasks.map((task, position) => {
    const writer = new NetworkWriter(network, task);
    const taps = new Map<string, string>();
    const head = new TaskWriter(writer, network, position, {
      input: () => writer.input(wholeInput),
      tap(value, tasks) {
        const type = tasks === all ? types.get(names.get(value) ?? '') : undefined;
        if (!type) return undefined;
        read.add(value);
        const known = taps.get(type.name) ?? writer.tap(type);
        taps.set(type.name, known);
        return known;
      },
    });
    return { task, graph: writer.finish([head.answer()]) };
  });
  if (read.size === 0) return { trunk: null, heads };
  const writer = new NetworkWriter(network, 'trunk');
  const trunk = trunkWriter(writer);
  const outputs = [...read].sort((a, b) => a - b).map((value) => trunk.value(value, all));
  return { trunk: writer.finish([...new Set(outputs)]), heads };
}

/**
 * The values whose channels of all tasks come out the same whichever task asks: computed from such values only, with
 * weights that all tasks use. The input itself, which needs no computing, is not among them.
 */
export function commonValues(network: Network): Set<number> {
  const all = allOf(network.tasks.length);
  const has = (value: number): boolean =>
    valueAt(network.topology, value).segments.some(
      ({ group }) => (blockOf(network, group, all)?.sources.length ?? 0) > 0,
    );
  const common = new Set<number>([0]);
  for (const step of network.topology.steps) {
    if (!has(step.output)) continue;
    if (isWeighted(step)) {
      const rows = rowsOf(network, step).filter(({ tasks }) => tasks === all);
      const once = rows.every(({ parts }) =>
        parts.every(({ use, inputs }) => use === all && inputs.every(({ from }) => from === all)),
      );
      if (once && common.has(step.input)) common.add(step.output);
    } else if (inputOf(step).every((input) => common.has(input) || !has(input))) {
      common.add(step.output);
    }
  }
  common.delete(0);
  return common;
}
