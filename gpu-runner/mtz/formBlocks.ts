import { selectRows, submatrix } from '../linalg/matrix.ts';
import {
  blockOf,
  blocksOf,
  columnsOf,
  columnsPerChannel,
  keyOf,
  orderInputs,
  rowsOf,
  weightedSteps,
  type Block,
  type InputBlock,
  type Network,
  type Part,
  type Rows,
  type WeightedStep,
} from './network.ts';
import { label, meets, type TaskSet } from './taskSet.ts';
import { valueAt } from './topology.ts';

export interface Forming {
  readonly group: number;
  /** The tasks of the two blocks whose channels become one block of both. */
  readonly sides: readonly [TaskSet, TaskSet];
  /** Which channel of either becomes one with which of the other. */
  readonly pairs: readonly { readonly a: number; readonly b: number }[];
}

interface Side {
  readonly block: Block;
  readonly moved: readonly number[];
  readonly stays: readonly number[];
}

/**
 * Makes pairs of channels of two blocks the channels of one block of both their tasks, wherever the group appears. Only
 * the order of channels changes: every task goes on computing them from its own weights until those are merged.
 *
 * @throws {Error} when a block is missing, a task is on both sides, or there already is a block of both.
 */
export function formBlocks(network: Network, { group, sides, pairs }: Forming): Network {
  if (pairs.length === 0) return network;
  const [a, b] = sides.map((tasks) => blockOf(network, group, tasks));
  const tasks = sides[0] | sides[1];
  const refuse = (reason: string): Error => {
    const name = network.topology.groups[group]?.name ?? String(group);
    return new Error(`Cannot share channels of ${name}: ${reason}`);
  };
  if (!a) throw refuse(`there are none of ${label(sides[0], network.tasks)}`);
  if (!b) throw refuse(`there are none of ${label(sides[1], network.tasks)}`);
  if (meets(...sides)) throw refuse('a task is on both sides');
  if (blockOf(network, group, tasks))
    throw refuse(`they already have a block of ${label(tasks, network.tasks)}`);
  const [sideA, sideB] = [
    split(
      a,
      pairs.map((pair) => pair.a),
    ),
    split(
      b,
      pairs.map((pair) => pair.b),
    ),
  ];

  const formed: Block = {
    tasks,
    sources: pairs.map((pair) => ({ ...a.sources[pair.a], ...b.sources[pair.b] })),
  };
  const blocks = [
    formed,
    ...[sideA, sideB].map(({ block, stays }) => ({
      tasks: block.tasks,
      sources: stays.map((channel) => block.sources[channel] ?? {}),
    })),
    ...blocksOf(network, group).filter((block) => block !== a && block !== b),
  ].filter((block) => block.sources.length > 0);
  const groups = network.groups.map((each, index) => (index === group ? blocks : each));
  const rows = new Map(network.rows);
  for (const step of weightedSteps(network)) {
    const read = splitColumns(network, step, group, [sideA, sideB], tasks);
    rows.set(step.name, joinRows(network, step, group, read, [sideA, sideB]));
  }
  return { ...network, groups, rows };
}

function split(block: Block, moved: readonly number[]): Side {
  const gone = new Set(moved);
  const stays = block.sources.map((_, channel) => channel).filter((channel) => !gone.has(channel));
  return { block, moved, stays };
}

/** A step's rows, their columns on the channels that moved told apart from those on the rest. */
function splitColumns(
  network: Network,
  step: WeightedStep,
  group: number,
  sides: readonly Side[],
  tasks: TaskSet,
): Rows[] {
  const rows = rowsOf(network, step);
  const { segments } = valueAt(network.topology, step.input);
  if (step.kind === 'channelwise' || !segments.some((segment) => segment.group === group)) return [...rows];
  const sideOfInput = ({ segment, from }: InputBlock): Side | undefined =>
    segments[segment]?.group === group ? sides.find(({ block }) => block.tasks === from) : undefined;
  return rows.map((each) => ({
    ...each,
    parts: each.parts.map((part): Part => {
      const columns = columnsOf(part.inputs);
      const cut = part.inputs.flatMap((input) => {
        const own = columns.get(keyOf(input)) ?? [];
        const side = sideOfInput(input);
        if (!side) return [{ ...input, own }];
        const wide = columnsPerChannel(network.topology, step, input.segment);
        const of = (channels: readonly number[]): number[] =>
          channels.flatMap((channel) => own.slice(channel * wide, (channel + 1) * wide));
        const [moved, stays] = [of(side.moved), of(side.stays)];
        return [
          { segment: input.segment, from: tasks, columns: moved.length, own: moved },
          { ...input, columns: stays.length, own: stays },
        ].filter(({ columns: count }) => count > 0);
      });
      const ordered = orderInputs(cut);
      const all = Array.from({ length: part.weight.rows }, (_, row) => row);
      return {
        ...part,
        inputs: ordered.map(({ segment, from, columns: count }) => ({ segment, from, columns: count })),
        weight: submatrix(
          part.weight,
          all,
          ordered.flatMap(({ own }) => own),
        ),
      };
    }),
  }));
}

/** The rows of the channels that moved as rows of their new block: the parts of both sides beside each other. */
function joinRows(
  network: Network,
  step: WeightedStep,
  group: number,
  rows: readonly Rows[],
  sides: readonly Side[],
): Rows[] {
  const { segments } = valueAt(network.topology, step.output);
  const result = [...rows];
  for (const [segment, { group: of }] of segments.entries()) {
    if (of !== group) continue;
    const found = sides.map((side) => {
      const index = result.findIndex((each) => each.segment === segment && each.tasks === side.block.tasks);
      return { side, rows: result[index], index };
    });
    const tasks = sides.reduce((set, { block }) => set | block.tasks, 0);
    const parts = found.flatMap(
      ({ side, rows: each }) => each?.parts.map((part) => taken(part, side.moved)) ?? [],
    );
    const formed: Rows = { segment, tasks, parts: parts.map((part) => moveInputs(step, part, tasks)) };
    const left = found.flatMap(({ side, rows: each }): Rows[] =>
      each && side.stays.length > 0
        ? [{ ...each, parts: each.parts.map((part) => taken(part, side.stays)) }]
        : [],
    );
    const gone = new Set(found.map(({ index }) => index));
    const others = result.filter((_, index) => !gone.has(index));
    result.splice(0, result.length, formed, ...left, ...others);
  }
  return result;
}

/** Some channels of a part. */
const taken = (part: Part, channels: readonly number[]): Part => ({
  ...part,
  weight: selectRows(part.weight, channels),
  bias: part.bias && Float64Array.from(channels, (channel) => part.bias?.[channel] ?? 0),
});

/** A channelwise step reads the block that it puts out. */
const moveInputs = (step: WeightedStep, part: Part, tasks: TaskSet): Part =>
  step.kind === 'channelwise'
    ? { ...part, inputs: part.inputs.map((input) => ({ ...input, from: tasks })) }
    : part;
