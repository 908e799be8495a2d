import type { SharingRecord } from '../../shared/manifest.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { matrix, selectRows, submatrix } from '../linalg/matrix.ts';
import { formBlocks } from './formBlocks.ts';
import { mainPart } from './mergeLayer.ts';
import {
  blocksOf,
  columnsOf,
  columnsPerChannel,
  keyOf,
  rowsOf,
  tasksUsing,
  tasksWith,
  weightedSteps,
  type InputBlock,
  type Network,
  type Part,
  type Rows,
  type WeightedStep,
} from './network.ts';
import { withParameters } from './parameters.ts';
import { contains, members, single, type TaskSet } from './taskSet.ts';
import { inputGroup, valueAt } from './topology.ts';
import { jointGraph } from './wiring.ts';

/**
 * A zipped network again, from what it was zipped from, the record of what was shared and the weights of its graphs.
 *
 * @param joined the original networks side by side, read as they were then
 * @param weights initializers of the zipped network's graphs, by name
 * @throws {Error} when the record names groups or channels that the networks do not have, or weights are missing.
 */
export function restoreNetwork(
  joined: Network,
  sharing: readonly SharingRecord[],
  weights: ReadonlyMap<string, Tensor>,
): Network {
  let network = joined;
  for (const record of sharing) network = formRecorded(network, record);
  for (const step of weightedSteps(network)) network = withMergedShape(network, step);
  let read: ReadonlySet<string> | undefined;
  const isUnread = (name: string): boolean => {
    read ??= new Set(jointGraph(network).initializers.keys());
    return !read.has(name);
  };
  return withParameters(network, weights, isUnread);
}

/** The blocks of one group as they were recorded. */
function formRecorded(network: Network, { layer, channels, own }: SharingRecord): Network {
  const group = network.topology.groups.findIndex(({ name }) => name === layer);
  if (group < 0) throw new Error(`Cannot restore ${layer}: the networks have no such group`);
  if (channels.length === 0) return network;
  const channelOf = (source: Readonly<Record<string, number>>, task: string): number => {
    const channel = source[task];
    const position = network.tasks.indexOf(task);
    const width = blocksOf(network, group).find(({ tasks }) => tasks === single(position))?.sources.length;
    if (channel === undefined || channel >= (width ?? 0))
      throw new Error(
        `Cannot restore ${layer}: "${task}" has no channel ${channel ?? 'for each shared one'}`,
      );
    return channel;
  };
  let formed = network;
  // Channels that the tasks before share, as they lie in the block that is formed last.
  let known = channels;
  const [head = 0, ...others] = members(tasksWith(network, group));
  let before = single(head);
  for (const next of others) {
    const [first = '', second = ''] = [network.tasks[head], network.tasks[next]];
    const taken = known.filter((source) => source[second] !== undefined);
    const pairs = taken.map((source) => ({
      a: before === single(head) ? channelOf(source, first) : known.indexOf(source),
      b: channelOf(source, second),
    }));
    formed = formBlocks(formed, { group, sides: [before, single(next)], pairs });
    before |= single(next);
    known = taken;
  }
  for (const [position, task] of network.tasks.entries())
    formed = withOwnOrder(formed, group, position, own?.[task]);
  return formed;
}

/** A task's own channels of a group in another order, wherever they are put out or read. */
function withOwnOrder(
  network: Network,
  group: number,
  task: number,
  wanted: readonly number[] | undefined,
): Network {
  const tasks = single(task);
  const name = network.tasks[task] ?? '';
  const block = blocksOf(network, group).find((each) => each.tasks === tasks);
  if (!block || !wanted) return network;
  const order = wanted.map((channel) => block.sources.findIndex((source) => source[name] === channel));
  if (order.length !== block.sources.length || order.includes(-1))
    throw new Error(`Cannot restore "${name}": its own channels are not those that were recorded`);
  if (order.every((channel, index) => channel === index)) return network;
  const sources = order.map((channel) => block.sources[channel] ?? {});
  const groups = network.groups.map((blocks, index) =>
    index === group ? blocks.map((each) => (each === block ? { tasks, sources } : each)) : blocks,
  );
  const rows = new Map(network.rows);
  for (const step of weightedSteps(network)) {
    const put = valueAt(network.topology, step.output).segments;
    const read = valueAt(network.topology, step.input).segments;
    rows.set(
      step.name,
      rowsOf(network, step).map((each): Rows => {
        const puts = each.tasks === tasks && put[each.segment]?.group === group;
        const parts = each.parts.map((part): Part => {
          const turned = puts
            ? {
                ...part,
                weight: selectRows(part.weight, order),
                bias: part.bias && Float64Array.from(order, (channel) => part.bias?.[channel] ?? 0),
              }
            : part;
          return step.kind === 'layer'
            ? turnedColumns(network, step, turned, { read, group, tasks, order })
            : turned;
        });
        return { ...each, parts };
      }),
    );
  }
  return { ...network, groups, rows };
}

function turnedColumns(
  network: Network,
  step: WeightedStep,
  part: Part,
  {
    read,
    group,
    tasks,
    order,
  }: { read: readonly { group: number }[]; group: number; tasks: TaskSet; order: readonly number[] },
): Part {
  const columns = columnsOf(part.inputs);
  const chosen = part.inputs.flatMap((input) => {
    const own = columns.get(keyOf(input)) ?? [];
    if (read[input.segment]?.group !== group || input.from !== tasks) return own;
    const wide = columnsPerChannel(network.topology, step, input.segment);
    return order.flatMap((channel) => own.slice(channel * wide, (channel + 1) * wide));
  });
  const all = Array.from({ length: part.weight.rows }, (_, row) => row);
  return { ...part, weight: submatrix(part.weight, all, chosen) };
}

/** The parts that a step has once its weights are merged, not yet with their values. */
function withMergedShape(network: Network, step: WeightedStep): Network {
  if (step.kind === 'channelwise' && step.perTask) return network;
  const isInput = ({ segment }: Rows): boolean =>
    valueAt(network.topology, step.output).segments[segment]?.group === inputGroup;
  const rows = rowsOf(network, step).map((each): Rows => {
    const [first = -1, ...others] = members(tasksUsing(each));
    let { parts } = each;
    let use = single(first);
    if (isInput(each)) return each;
    for (const next of others) {
      const [a, b] = [mainPart(parts, use), mainPart(parts, single(next))];
      use |= single(next);
      if (!a || !b) continue;
      const rest = parts.filter((part) => part !== a && part !== b);
      parts = [...mergedShape(network, step, a, b), ...rest];
    }
    return { ...each, parts };
  });
  return { ...network, rows: new Map(network.rows).set(step.name, rows) };
}

function mergedShape(network: Network, step: WeightedStep, a: Part, b: Part): Part[] {
  const use = a.use | b.use;
  const channels = a.weight.rows;
  const read = new Set(b.inputs.map(keyOf));
  const isCommon = (input: InputBlock): boolean => contains(input.from, use) && read.has(keyOf(input));
  const empty = (of: TaskSet, inputs: readonly InputBlock[], bias: Float64Array | null): Part => ({
    use: of,
    inputs,
    weight: matrix(
      channels,
      inputs.reduce((sum, { columns }) => sum + columns, 0),
    ),
    bias,
  });
  if (step.kind === 'channelwise') return [{ ...a, use }];
  const common = a.inputs.filter(isCommon);
  const keys = new Set(common.map(keyOf));
  const merged = empty(use, common, new Float64Array(channels));
  if (network.wiring === 'one-way') return [merged];
  const rest = [a, b].map((part) =>
    empty(
      part.use,
      part.inputs.filter((input) => !keys.has(keyOf(input))),
      null,
    ),
  );
  return [merged, ...rest.filter(({ inputs }) => inputs.length > 0)];
}
