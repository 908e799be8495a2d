import {
  gathered,
  inputsFor,
  joinNets,
  rearranged,
  rowsOf,
  weightedSteps,
  type Block,
  type Network,
  type Part,
  type Rows,
} from './network.ts';
import { allOf, single } from './taskSet.ts';
import { inputGroup, type TaskNet } from './topology.ts';

/**
 * A zipped network with one more task beside it, nothing shared with that yet but the input.
 *
 * @param net placed in the topology of the networks that were zipped: it has all of its steps, or only some
 * @throws {Error} when the task is there already.
 */
export function addNet(network: Network, net: TaskNet): Network {
  const tasks = [...network.tasks, net.task];
  if (network.tasks.includes(net.task))
    throw new Error(`Cannot add "${net.task}": the bundle has a task of this name`);
  const position = network.tasks.length;
  const [before, all] = [allOf(position), allOf(tasks.length)];
  const alone = joinNets([net], network.wiring, network.sparse);
  const groups = network.groups.map((blocks, group): Block[] => {
    if (group === inputGroup)
      return blocks.map(({ sources }) => ({
        tasks: all,
        sources: sources.map((source, channel) => ({ ...source, [net.task]: channel })),
      }));
    const own = (alone.groups[group] ?? []).map(({ sources }) => ({ tasks: single(position), sources }));
    return [...blocks, ...own];
  });
  const tails = [...network.tails, net.tail];
  const joined: Network = { ...network, tasks, groups, tails, settled: position };
  const rows = new Map(
    weightedSteps(network).map((step) => {
      const isInput = (segment: number): boolean =>
        network.topology.values[step.input]?.segments[segment]?.group === inputGroup;
      // The block that was the input of all tasks is now the input of one more.
      const known = rowsOf(network, step).map((each): Rows => ({
        ...each,
        tasks:
          each.tasks === before && step.kind === 'channelwise' && isInput(each.segment) ? all : each.tasks,
        parts: each.parts.map((part) => ({
          ...part,
          inputs: part.inputs.map((input) => (isInput(input.segment) ? { ...input, from: all } : input)),
        })),
      }));
      const added = (alone.rows.get(step.name) ?? []).map((each): Rows => ({
        segment: each.segment,
        tasks: step.kind === 'channelwise' && isInput(each.segment) ? all : single(position),
        parts: each.parts.map((part): Part => {
          const use = single(position);
          if (step.kind === 'channelwise') {
            const from = isInput(each.segment) ? all : use;
            return { ...part, use, inputs: part.inputs.map((input) => ({ ...input, from })) };
          }
          const inputs = inputsFor(joined, step, use);
          const stored = [...inputs].sort((one, other) => one.segment - other.segment);
          return { ...part, use, inputs, weight: rearranged(part.weight, stored, inputs) };
        }),
      }));
      return [step.name, gathered([...known, ...added])];
    }),
  );
  return { ...joined, rows };
}
