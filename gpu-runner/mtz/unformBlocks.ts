import { beside, matrix, selectRows, submatrix, type Matrix } from '../linalg/matrix.ts';
import {
  blockOf,
  columnsOf,
  columnsPerChannel,
  keyOf,
  orderInputs,
  rowsOf,
  tasksUsing,
  tasksWith,
  weightedSteps,
  type Block,
  type InputBlock,
  type Network,
  type Part,
  type Rows,
  type WeightedStep,
} from './network.ts';
import { contains, members, single, type TaskSet } from './taskSet.ts';
import { inputGroup, valueAt } from './topology.ts';

/** Channels that all tasks share and that are given back: by group, their positions in the block of all tasks. */
export type Given = ReadonlyMap<number, readonly number[]>;

/**
 * Gives channels that all tasks share back to every task as channels of its own, each with a copy of the shared weights:
 * from here on they can differ. No output changes, but one-way, where shared channels that read them no longer do. Groups
 * that read each other are therefore given back at once: what is given back goes on reading what is.
 */
export function unformBlocks(network: Network, given: Given): Network {
  const returns = new Map([...given].flatMap(([group, channels]) => returnOf(network, group, channels)));
  if (returns.size === 0) return network;
  const groups = network.groups.map((blocks, group) => {
    const back = returns.get(group);
    return back ? returnChannels(network, blocks, back) : blocks;
  });
  const rows = new Map(network.rows);
  for (const step of weightedSteps(network))
    rows.set(step.name, returnColumns(network, step, returnRows(network, step, returns), returns));
  return { ...network, groups, rows };
}

/** Positions in a group's block of all tasks. */
interface Return {
  readonly block: Block;
  readonly stays: readonly number[];
  readonly channels: readonly number[];
}

type Returns = ReadonlyMap<number, Return>;

/** @returns none where nothing is to be given back */
function returnOf(network: Network, group: number, channels: readonly number[]): [number, Return][] {
  const block = blockOf(network, group, tasksWith(network, group));
  if (!block || channels.length === 0 || group === inputGroup) return [];
  const gone = new Set(channels);
  const stays = block.sources.map((_, channel) => channel).filter((channel) => !gone.has(channel));
  return [[group, { block, stays, channels }]];
}

/** The blocks of a group: every task's own has the channels that it is given back behind those that it had. */
function returnChannels(
  { tasks }: Network,
  blocks: readonly Block[],
  { block, stays, channels }: Return,
): Block[] {
  const own = members(block.tasks).map((position): Block => {
    const task = tasks[position] ?? '';
    const before = blocks.find((each) => each.tasks === single(position))?.sources ?? [];
    const back = channels.map((channel) => ({ [task]: block.sources[channel]?.[task] ?? 0 }));
    return { tasks: single(position), sources: [...before, ...back] };
  });
  const kept: Block = { tasks: block.tasks, sources: stays.map((channel) => block.sources[channel] ?? {}) };
  const others = blocks.filter((each) => each !== block && members(each.tasks).length > 1);
  return [kept, ...own, ...others].filter(({ sources }) => sources.length > 0);
}

/** Rows of the channels become rows of every task's own block, below those it has. */
function returnRows(network: Network, step: WeightedStep, returns: Returns): Rows[] {
  const { segments } = valueAt(network.topology, step.output);
  let rows = [...rowsOf(network, step)];
  for (const [segment, { group }] of segments.entries()) {
    const back = returns.get(group);
    const shared = back && rows.find((each) => each.segment === segment && each.tasks === back.block.tasks);
    if (!back || !shared) continue;
    const { stays, channels } = back;
    const own = members(tasksUsing(shared)).map((task): Rows => {
      const tasks = single(task);
      const before = rows.find((each) => each.segment === segment && each.tasks === tasks);
      const parts = shared.parts.filter(({ use }) => contains(use, tasks));
      const below = asOne(
        parts.map((part) => taken(part, channels)),
        tasks,
        step.kind === 'channelwise',
      );
      return { segment, tasks, parts: [before ? stacked(ownPart(before), below) : below] };
    });
    const kept: Rows = { ...shared, parts: shared.parts.map((part) => taken(part, stays)) };
    rows = [
      ...(stays.length > 0 ? [kept] : []),
      ...own,
      ...rows.filter(
        (each) => each.segment !== segment || (each !== shared && members(each.tasks).length > 1),
      ),
    ];
  }
  return rows;
}

function ownPart({ parts }: Rows): Part {
  const [part] = parts;
  if (!part) throw new Error('Cannot give channels back: a block has no weights');
  return part;
}

const taken = (part: Part, channels: readonly number[]): Part => ({
  ...part,
  weight: selectRows(part.weight, channels),
  bias: part.bias && Float64Array.from(channels, (channel) => part.bias?.[channel] ?? 0),
});

/** Parts that a task adds up as one part of its own. */
function asOne(parts: readonly Part[], tasks: TaskSet, isChannelwise: boolean): Part {
  const bias = parts.find((part) => part.bias)?.bias ?? null;
  if (isChannelwise) {
    const [part] = parts;
    if (!part) throw new Error('Cannot give channels back: a block has no weights');
    return { ...part, use: tasks, inputs: part.inputs.map((input) => ({ ...input, from: tasks })) };
  }
  const inputs = orderInputs(parts.flatMap((part) => part.inputs));
  return { use: tasks, inputs, weight: on(parts, inputs), bias };
}

/** Weights of several parts on the given inputs, zeros where none has any. */
function on(parts: readonly Part[], inputs: readonly InputBlock[]): Matrix {
  const rows = parts[0]?.weight.rows ?? 0;
  const result = matrix(
    rows,
    inputs.reduce((sum, { columns }) => sum + columns, 0),
  );
  const places = columnsOf(inputs);
  for (const part of parts) {
    const own = columnsOf(part.inputs);
    for (const [key, columns] of own) {
      const to = places.get(key) ?? [];
      for (let row = 0; row < rows; row += 1) {
        columns.forEach((column, k) => {
          result.data[row * result.cols + (to[k] ?? 0)] =
            part.weight.data[row * part.weight.cols + column] ?? 0;
        });
      }
    }
  }
  return result;
}

/** Channels of two parts of one task below each other, on all that either reads. */
function stacked(above: Part, below: Part): Part {
  const known = new Set(above.inputs.map(keyOf));
  const isChannelwise = above.inputs.length === 1 && below.inputs.length === 1;
  const inputs = isChannelwise
    ? above.inputs
    : orderInputs([...above.inputs, ...below.inputs.filter((input) => !known.has(keyOf(input)))]);
  const [first, second] = isChannelwise
    ? [above.weight, below.weight]
    : [on([above], inputs), on([below], inputs)];
  const weight = matrix(first.rows + second.rows, first.cols);
  weight.data.set(first.data);
  weight.data.set(second.data, first.data.length);
  const bias = Float64Array.of(...(above.bias ?? []), ...(below.bias ?? []));
  return { use: above.use, inputs, weight, bias };
}

/** Columns on the channels become columns on every task's own block, after those on what it has. */
function returnColumns(
  network: Network,
  step: WeightedStep,
  rows: readonly Rows[],
  returns: Returns,
): Rows[] {
  if (step.kind === 'channelwise') return [...rows];
  const { segments } = valueAt(network.topology, step.input);
  const touched = new Map<string, Return>();
  for (const [segment, { group }] of segments.entries()) {
    const back = returns.get(group);
    if (back) touched.set(keyOf({ segment, from: back.block.tasks }), back);
  }
  return rows.map((each) => {
    const parts = each.parts.map((part): readonly [Part, ...Part[]] =>
      part.inputs.some((input) => touched.has(keyOf(input)))
        ? splitByTask(network, step, part, touched)
        : [part],
    );
    // What every task had comes before what it gets back, as in its block.
    return {
      ...each,
      parts: oneEach([...parts.map(([kept]) => kept), ...parts.flatMap(([, ...back]) => back)]),
    };
  });
}

/** Parts of the same tasks as one, their columns on the same block one after the other. */
function oneEach(parts: readonly Part[]): Part[] {
  const uses = [...new Set(parts.map(({ use }) => use))];
  return uses.flatMap((use): Part[] => {
    const same = parts.filter((part) => part.use === use);
    const [only, ...others] = same;
    if (!only || others.length === 0) return only ? [only] : [];
    const rows = only.weight.rows;
    const all = Array.from({ length: rows }, (_, row) => row);
    const places = new Map<string, { input: InputBlock; own: number[] }>();
    let start = 0;
    for (const { inputs } of same) {
      for (const input of inputs) {
        const place = places.get(keyOf(input)) ?? { input, own: [] };
        for (let k = 0; k < input.columns; k += 1) place.own.push(start + k);
        start += input.columns;
        places.set(keyOf(input), place);
      }
    }
    const ordered = orderInputs([...places.values()].map(({ input, own }) => ({ ...input, own })));
    const inputs = ordered.map(({ segment, from, own }) => ({ segment, from, columns: own.length }));
    const weights = beside(
      same.map(({ weight }) => weight),
      rows,
    );
    const weight = submatrix(
      weights,
      all,
      ordered.flatMap(({ own }) => own),
    );
    return [{ use, inputs, weight, bias: same.find(({ bias }) => bias)?.bias ?? null }];
  });
}

/** A part that reads shared channels which are given back: what it read of them, every task now reads by itself. */
function splitByTask(
  network: Network,
  step: WeightedStep,
  part: Part,
  touched: ReadonlyMap<string, Return>,
): readonly [Part, ...Part[]] {
  const columns = columnsOf(part.inputs);
  const all = Array.from({ length: part.weight.rows }, (_, row) => row);
  const of = (input: InputBlock, chosen: readonly number[]): number[] => {
    const wide = columnsPerChannel(network.topology, step, input.segment);
    const own = columns.get(keyOf(input)) ?? [];
    return chosen.flatMap((channel) => own.slice(channel * wide, (channel + 1) * wide));
  };
  const build = (
    use: TaskSet,
    pieces: readonly (InputBlock & { own: readonly number[] })[],
    bias: Float64Array | null,
  ): Part => {
    const merged = new Map<string, InputBlock & { own: readonly number[] }>();
    for (const piece of pieces) {
      const known = merged.get(keyOf(piece));
      const own = [...(known?.own ?? []), ...piece.own];
      merged.set(keyOf(piece), { ...piece, own, columns: own.length });
    }
    const ordered = orderInputs([...merged.values()].filter(({ own }) => own.length > 0));
    return {
      use,
      inputs: ordered.map(({ segment, from, columns: count }) => ({ segment, from, columns: count })),
      weight: submatrix(
        part.weight,
        all,
        ordered.flatMap(({ own }) => own),
      ),
      bias,
    };
  };
  const kept = part.inputs.map((input) => {
    const back = touched.get(keyOf(input));
    return { ...input, own: back ? of(input, back.stays) : (columns.get(keyOf(input)) ?? []) };
  });
  const back = (task: TaskSet): (InputBlock & { own: readonly number[] })[] =>
    part.inputs.flatMap((input) => {
      const given = touched.get(keyOf(input));
      return given ? [{ ...input, from: task, own: of(input, given.channels) }] : [];
    });
  const tasks = members(part.use).map(single);
  if (tasks.length === 1) return [build(part.use, [...kept, ...back(part.use)], part.bias)];
  if (network.wiring === 'one-way') return [build(part.use, kept, part.bias)];
  return [build(part.use, kept, part.bias), ...tasks.map((task) => build(task, back(task), null))];
}
