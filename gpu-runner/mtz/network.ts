import type { Wiring } from '../../shared/recipe.ts';
import { submatrix, type Matrix } from '../linalg/matrix.ts';
import { allOf, maxTasks, meets, members, single, type TaskSet } from './taskSet.ts';
import {
  inputGroup,
  kernelArea,
  valueAt,
  type Channelwise,
  type Layer,
  type Step,
  type Tail,
  type TaskNet,
  type Topology,
} from './topology.ts';

/** The channels of a group that exactly the tasks in `tasks` use. */
export interface Block {
  readonly tasks: TaskSet;
  /** For each channel, which channel of each task's own network it was. */
  readonly sources: readonly Readonly<Record<string, number>>[];
}

/** Columns of weights: those on one block of one segment of what is read. */
export interface InputBlock {
  /** Position among the value's segments. */
  readonly segment: number;
  readonly from: TaskSet;
  readonly columns: number;
}

/**
 * Incoming weights of some channels that the tasks in `use` have in common. A task adds up all parts that it uses. Blocks
 * that are not read are not here.
 */
export interface Part {
  readonly use: TaskSet;
  /** In the order of {@link orderInputs}; each is a block that every task in `use` has. */
  readonly inputs: readonly InputBlock[];
  /** [channels, columns of all inputs] */
  readonly weight: Matrix;
  /** [channels], or null where another part has it. */
  readonly bias: Float64Array | null;
}

/** What one block of one segment of a step's output is computed from. */
export interface Rows {
  /** Position among the output's segments: 0 for a layer. */
  readonly segment: number;
  readonly tasks: TaskSet;
  /** Every task in `tasks` that does the step uses exactly one part with a bias. */
  readonly parts: readonly Part[];
}

/**
 * Several networks as one: group by group, blocks of channels, each used by a set of tasks. Channels that are shared may
 * still be computed from weights apart (parts used by one task each), until these are merged. Never changed in place. The
 * input is one block that all tasks use.
 */
export interface Network {
  readonly tasks: readonly string[];
  readonly wiring: Wiring;
  /** Whether weights that are 0 were pruned and are to stay 0. */
  readonly sparse: boolean;
  readonly topology: Topology;
  /** Blocks of each group. */
  readonly groups: readonly (readonly Block[])[];
  /** By the name of the layer or channelwise step. */
  readonly rows: ReadonlyMap<string, readonly Rows[]>;
  /** By task; null where the topology ends in the logits. */
  readonly tails: readonly (Tail | null)[];
  /**
   * How many of the first tasks were zipped before the others came: what these share of a group, they go on sharing, and
   * nothing else. 1 where all are zipped at once.
   */
  readonly settled: number;
}

export type WeightedStep = Layer | Channelwise;

export const isWeighted = (step: Step): step is WeightedStep =>
  step.kind === 'layer' || step.kind === 'channelwise';

/** The steps that have weights, in order. */
export const weightedSteps = ({ topology }: Pick<Network, 'topology'>): WeightedStep[] =>
  topology.steps.filter(isWeighted);

/**
 * The networks side by side, nothing shared yet but the input.
 *
 * @param nets aligned: of one topology; a network that was placed in it may have only some of its steps
 * @param whole the topology, where the first network has not all of it
 * @throws {Error} when a task appears twice or there are too many.
 */
export function joinNets(
  nets: readonly TaskNet[],
  wiring: Wiring,
  sparse = false,
  whole?: Topology,
): Network {
  const tasks = nets.map(({ task }) => task);
  if (new Set(tasks).size < tasks.length)
    throw new Error(`Cannot zip ${tasks.join(', ')}: a task appears twice`);
  if (tasks.length > maxTasks)
    throw new Error(`Cannot zip ${tasks.length} networks: the limit is ${maxTasks}`);
  const [first] = nets;
  if (!first) throw new Error('Cannot zip: no network is given');
  const topology = whole ?? first.topology;
  const all = allOf(tasks.length);
  const groups = topology.groups.map((_, group): Block[] => {
    if (group === inputGroup) {
      const sources = Array.from({ length: first.widths[group] ?? 0 }, (_, channel) =>
        Object.fromEntries(tasks.map((task) => [task, channel])),
      );
      return [{ tasks: all, sources }];
    }
    const blocks = nets.map(({ task, widths }, position) => ({
      tasks: single(position),
      sources: Array.from({ length: widths[group] ?? 0 }, (_, channel) => ({ [task]: channel })),
    }));
    return blocks.filter(({ sources }) => sources.length > 0);
  });
  const unread = {
    tasks,
    wiring,
    sparse,
    topology,
    groups,
    rows: new Map(),
    tails: nets.map(({ tail }) => tail),
    settled: 1,
  };
  const rows = new Map(
    weightedSteps(unread).map((step) => [
      step.name,
      gathered(
        nets.flatMap((net, position) => (hasStep(net, step) ? ownRows(unread, step, net, position) : [])),
      ),
    ]),
  );
  const name = tasks.includes(topology.input.name) ? `${topology.input.name}.input` : topology.input.name;
  return { ...unread, rows, topology: { ...topology, input: { ...topology.input, name } } };
}

const hasStep = ({ topology }: TaskNet, { name }: WeightedStep): boolean =>
  topology.steps.some((step) => step.name === name);

/** A task's own weights as rows, one a segment of the output. */
function ownRows(network: Network, step: WeightedStep, net: TaskNet, position: number): Rows[] {
  const given = net.weights.get(step.name);
  if (!given) throw new Error(`Cannot zip "${net.task}": it has no weights of ${step.name}`);
  const task = single(position);
  if (step.kind === 'layer') {
    const inputs = inputsFor(network, step, task);
    const stored = [...inputs].sort((one, other) => one.segment - other.segment);
    const weight = rearranged(given.weight, stored, inputs);
    const part = { use: task, inputs, weight: rounded(weight), bias: roundedValues(given.bias) };
    return [{ segment: 0, tasks: task, parts: [part] }];
  }
  let start = 0;
  return valueAt(network.topology, step.output).segments.map(({ group }, segment) => {
    const width = net.widths[group] ?? 0;
    const [from, to] = [start, (start += width)];
    const { cols, data } = given.weight;
    const weight = { rows: width, cols, data: data.slice(from * cols, to * cols) };
    const tasks = group === inputGroup ? allOf(network.tasks.length) : task;
    const inputs = [{ segment, from: tasks, columns: cols }];
    const bias = roundedValues(given.bias.slice(from, to));
    return { segment, tasks, parts: [{ use: task, inputs, weight: rounded(weight), bias }] };
  });
}

/** As float32 holds it: what is stored, trained and served, and so what is merged. Itself where it is that already. */
export const rounded = ({ rows, cols, data }: Matrix): Matrix => ({ rows, cols, data: roundedValues(data) });

export function roundedValues(values: Float64Array): Float64Array {
  let known = 0;
  while (known < values.length && Math.fround(values[known] ?? 0) === values[known]) known += 1;
  if (known === values.length) return values;
  const result = values.slice();
  for (let k = known; k < result.length; k += 1) result[k] = Math.fround(result[k] ?? 0);
  return result;
}

/** Rows of the same block as one: those that several tasks have on the input's own channels. */
export function gathered(rows: readonly Rows[]): Rows[] {
  const known = new Map<string, Rows>();
  for (const each of rows) {
    const key = `${each.segment} ${each.tasks}`;
    known.set(key, { ...each, parts: [...(known.get(key)?.parts ?? []), ...each.parts] });
  }
  return [...known.values()].map((each) => ({ ...each, parts: equalAsOne(each.parts) }));
}

/** Parts that are equal anyway, as one: the same normalisation of the input in all networks. */
function equalAsOne(parts: readonly Part[]): readonly Part[] {
  const [first, ...others] = parts;
  const isEqual = (a: Float64Array | null, b: Float64Array | null): boolean =>
    a?.length === b?.length && (a?.every((value, index) => value === b?.[index]) ?? true);
  const allEqual = others.every(
    (part) =>
      isEqual(part.weight.data, first?.weight.data ?? null) && isEqual(part.bias, first?.bias ?? null),
  );
  if (!first || !allEqual) return parts;
  return [{ ...first, use: parts.reduce((set, { use }) => set | use, 0) }];
}

/** Columns in another order of their blocks. */
export function rearranged(weight: Matrix, from: readonly InputBlock[], to: readonly InputBlock[]): Matrix {
  if (from.every((block, index) => block === to[index])) return weight;
  const columns = columnsOf(from);
  const rows = Array.from({ length: weight.rows }, (_, row) => row);
  return submatrix(
    weight,
    rows,
    to.flatMap((block) => columns.get(keyOf(block)) ?? []),
  );
}

export const keyOf = ({ segment, from }: Pick<InputBlock, 'segment' | 'from'>): string =>
  `${segment} ${from}`;

/** Which columns each block has, by its key. */
export function columnsOf(inputs: readonly InputBlock[]): Map<string, number[]> {
  let start = 0;
  return new Map(
    inputs.map((block) => {
      const columns = Array.from({ length: block.columns }, (_, k) => start + k);
      start += block.columns;
      return [keyOf(block), columns];
    }),
  );
}

/** @throws {RangeError} when the network has no such group. */
export function blocksOf(network: Pick<Network, 'groups'>, group: number): readonly Block[] {
  const blocks = network.groups[group];
  if (!blocks) throw new RangeError(`Cannot find group ${group} of ${network.groups.length}`);
  return blocks;
}

/** The block of exactly these tasks, if the group has one. */
export const blockOf = (network: Pick<Network, 'groups'>, group: number, tasks: TaskSet): Block | undefined =>
  blocksOf(network, group).find((block) => block.tasks === tasks);

/** Channels that one task has in a group, shared or not. */
export const widthOf = (network: Pick<Network, 'groups'>, group: number, task: number): number =>
  blocksOf(network, group).reduce(
    (sum, block) => (members(block.tasks).includes(task) ? sum + block.sources.length : sum),
    0,
  );

/** The tasks that have channels in a group: all, but for those that were added with only some of the others' steps. */
export const tasksWith = (network: Pick<Network, 'groups'>, group: number): TaskSet =>
  blocksOf(network, group).reduce((set, { tasks }) => set | tasks, 0);

/** The tasks that compute a block's channels at a step: those that have weights for it. */
export const tasksUsing = ({ parts }: Pick<Rows, 'parts'>): TaskSet =>
  parts.reduce((set, { use }) => set | use, 0);

/** Whether a task does a step: all do, but for those that were added with only some of the others' steps. */
export const doesStep = (network: Pick<Network, 'rows'>, step: WeightedStep, task: number): boolean =>
  rowsOf(network, step).some((rows) => meets(tasksUsing(rows), single(task)));

/** Rows of a step. @throws {Error} when it has none. */
export function rowsOf(network: Pick<Network, 'rows'>, step: WeightedStep): readonly Rows[] {
  const rows = network.rows.get(step.name);
  if (!rows) throw new Error(`Cannot find the weights of ${step.name}`);
  return rows;
}

/** Columns that a step has for each channel of a segment. */
export const columnsPerChannel = (topology: Topology, step: WeightedStep, segment: number): number =>
  (valueAt(topology, step.input).segments[segment]?.area ?? 1) * kernelArea(step);

/**
 * Blocks of a value as they lie in tensors: all channels that the same tasks use lie in one tensor, segment by segment;
 * where several tensors are read as one, those that more tasks use come first.
 */
export const orderInputs = <T extends { readonly segment: number; readonly from: TaskSet }>(
  inputs: readonly T[],
): T[] =>
  [...inputs].sort(
    (a, b) => members(b.from).length - members(a.from).length || a.from - b.from || a.segment - b.segment,
  );

/** The blocks that a step can read for all tasks in `use`. */
export function inputsFor(network: Network, step: WeightedStep, use: TaskSet): InputBlock[] {
  const { topology } = network;
  const inputs = valueAt(topology, step.input).segments.flatMap(({ group }, segment) =>
    blocksOf(network, group)
      .filter((block) => (block.tasks & use) === use && block.sources.length > 0)
      .map((block): InputBlock => ({
        segment,
        from: block.tasks,
        columns: block.sources.length * columnsPerChannel(topology, step, segment),
      })),
  );
  return orderInputs(inputs);
}

/** Names of the tasks in a set. */
export const taskNames = (network: Pick<Network, 'tasks'>, set: TaskSet): string[] =>
  members(set).map((task) => network.tasks[task] ?? String(task));
