import { beside, matrix, selectRows, submatrix, type Matrix } from '../linalg/matrix.ts';
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
import { allOf, contains, members, single, type TaskSet } from './taskSet.ts';
import { inputGroup, valueAt } from './topology.ts';

/**
 * Gives channels that all tasks share back to every task as channels of its own, each with a copy of the shared weights:
 * from here on they can differ. No output changes, but one-way, where shared channels that read them no longer do.
 *
 * @param channels positions in the block of all tasks
 */
export function unformBlocks(network: Network, group: number, channels: readonly number[]): Network {
  const all = allOf(network.tasks.length);
  const block = blockOf(network, group, all);
  if (!block || channels.length === 0 || group === inputGroup) return network;
  const gone = new Set(channels);
  const stays = block.sources.map((_, channel) => channel).filter((channel) => !gone.has(channel));
  const own = network.tasks.map((task, position) => {
    const before = blockOf(network, group, single(position))?.sources ?? [];
    const back = channels.map((channel) => ({ [task]: block.sources[channel]?.[task] ?? 0 }));
    return { tasks: single(position), sources: [...before, ...back] };
  });
  const kept: Block = { tasks: all, sources: stays.map((channel) => block.sources[channel] ?? {}) };
  const others = blocksOf(network, group).filter((each) => each !== block && members(each.tasks).length > 1);
  const blocks = [kept, ...own, ...others].filter(({ sources }) => sources.length > 0);
  const groups = network.groups.map((each, index) => (index === group ? blocks : each));
  const rows = new Map(network.rows);
  for (const step of weightedSteps(network)) {
    const put = returnRows(network, step, group, { all, stays, channels });
    rows.set(step.name, returnColumns(network, step, group, put, { all, stays, channels }));
  }
  return { ...network, groups, rows };
}

interface Return {
  readonly all: TaskSet;
  readonly stays: readonly number[];
  readonly channels: readonly number[];
}

/** Rows of the channels become rows of every task's own block, below those it has. */
function returnRows(
  network: Network,
  step: WeightedStep,
  group: number,
  { all, stays, channels }: Return,
): Rows[] {
  const { segments } = valueAt(network.topology, step.output);
  let rows = [...rowsOf(network, step)];
  for (const [segment, of] of segments.entries()) {
    if (of.group !== group) continue;
    const shared = rows.find((each) => each.segment === segment && each.tasks === all);
    if (!shared) continue;
    const own = network.tasks.map((_, task): Rows => {
      const tasks = single(task);
      const before = rows.find((each) => each.segment === segment && each.tasks === tasks);
      const parts = shared.parts.filter(({ use }) => contains(use, tasks));
      const back = asOne(
        parts.map((part) => taken(part, channels)),
        tasks,
        step.kind === 'channelwise',
      );
      return { segment, tasks, parts: [before ? stacked(ownPart(before), back) : back] };
    });
    const kept: Rows = { ...shared, parts: shared.parts.map((part) => taken(part, stays)) };
    rows = [
      ...(stays.length > 0 ? [kept] : []),
      ...own,
      ...rows.filter(
        (each) => each.segment !== segment || (each.tasks !== all && members(each.tasks).length > 1),
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
  group: number,
  rows: readonly Rows[],
  { all, stays, channels }: Return,
): Rows[] {
  const { segments } = valueAt(network.topology, step.input);
  if (step.kind === 'channelwise' || !segments.some((segment) => segment.group === group)) return [...rows];
  return rows.map((each) => {
    const parts = each.parts.map((part): readonly [Part, ...Part[]] => {
      const touched = part.inputs.filter(
        ({ segment, from }) => segments[segment]?.group === group && from === all,
      );
      if (touched.length === 0) return [part];
      return splitByTask(network, step, part, new Set(touched.map(keyOf)), { all, stays, channels });
    });
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
  touched: ReadonlySet<string>,
  { stays, channels }: Return,
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
    const own = touched.has(keyOf(input)) ? of(input, stays) : (columns.get(keyOf(input)) ?? []);
    return { ...input, own };
  });
  const back = (task: TaskSet): (InputBlock & { own: readonly number[] })[] =>
    part.inputs
      .filter((input) => touched.has(keyOf(input)))
      .map((input) => ({ ...input, from: task, own: of(input, channels) }));
  const tasks = members(part.use).map(single);
  if (tasks.length === 1) return [build(part.use, [...kept, ...back(part.use)], part.bias)];
  if (network.wiring === 'one-way') return [build(part.use, kept, part.bias)];
  return [build(part.use, kept, part.bias), ...tasks.map((task) => build(task, back(task), null))];
}
