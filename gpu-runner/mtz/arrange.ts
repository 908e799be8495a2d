/**
 * Brings the steps of a network into an order that depends on what they compute only: not on the order of nodes in a
 * file, nor on which of two summands comes first. Equal networks then have equal topologies, names apart.
 */
import { ChannelAxes, type Stretch } from './groups.ts';
import {
  inputGroup,
  inputOf,
  type Convolution,
  type Group,
  type Step,
  type TaskNet,
  type Topology,
  type Value,
} from './topology.ts';

/** Steps with values numbered anyhow; value 0 is the input. */
export interface Loose {
  readonly input: Topology['input'];
  /** In an order in which they can be computed. */
  readonly steps: readonly Step[];
  readonly sizes: ReadonlyMap<number, readonly number[]>;
  /** Values that what comes after the steps reads, in its order; steps that none of them needs are left out. */
  readonly ends: readonly number[];
  /** The one of them that is the logits, if any. */
  readonly output: number | null;
  /** Values whose channels stay every task's own, and why. */
  readonly pinned: ReadonlyMap<number, string>;
}

export interface Arranged {
  readonly topology: Topology;
  /** The numbers of the values in the topology, by their numbers before. */
  readonly numbers: ReadonlyMap<number, number>;
}

export function arrange(loose: Loose): Arranged {
  return assemble({ ...loose, steps: inOrder(loose) });
}

/** Numbers the values in the order of the steps and finds the groups. */
export function assemble(loose: Omit<Loose, 'ends'>): Arranged {
  const order = loose.steps.map(({ output }) => output);
  const numbers = new Map([[0, 0], ...order.map((value, index): [number, number] => [value, index + 1])]);
  const number = (value: number): number => numbers.get(value) ?? 0;
  const steps = loose.steps.map((step) => renumbered(step, number));
  const sizes = [0, ...order].map((value) => loose.sizes.get(value) ?? []);
  const pinned = new Map([...loose.pinned].map(([value, reason]) => [number(value), reason]));
  const { groups, values } = group(steps, sizes, pinned);
  const output = loose.output === null ? null : number(loose.output);
  return { topology: { input: loose.input, groups, values, steps, output }, numbers };
}

/** A step that reads and makes other values. */
export function renumbered(step: Step, number: (value: number) => number): Step {
  const output = number(step.output);
  return 'inputs' in step
    ? { ...step, inputs: step.inputs.map(number), output }
    : { ...step, input: number(step.input), output };
}

const commutative = new Set(['Add', 'Mul', 'Max', 'Min']);

/** Whether the order of its inputs changes nothing. */
export const isCommutative = (step: Step): boolean => step.kind === 'plain' && commutative.has(step.op);

/** Depth first from the ends, inputs in order; of a sum, the summand that is computed in more steps comes first. */
function inOrder({ steps, ends }: Loose): Step[] {
  const makers = new Map<number, Step>();
  const ranks = new Map<number, { depth: number; hash: number }>([[0, { depth: 0, hash: 0 }]]);
  for (const step of steps) {
    const rank = (value: number): { depth: number; hash: number } =>
      ranks.get(value) ?? { depth: 0, hash: 0 };
    const sorted =
      step.kind === 'plain' && isCommutative(step)
        ? {
            ...step,
            inputs: step.inputs.toSorted(
              (a, b) => rank(b).depth - rank(a).depth || rank(b).hash - rank(a).hash,
            ),
          }
        : step;
    const inputs = inputOf(sorted).map(rank);
    ranks.set(step.output, {
      depth: 1 + Math.max(...inputs.map(({ depth }) => depth)),
      hash: hash([describe(sorted), ...inputs.map((input) => input.hash)].join()),
    });
    makers.set(step.output, sorted);
  }
  const done = new Set([0]);
  const ordered: Step[] = [];
  const stack = ends.toReversed();
  for (let value = stack.at(-1); value !== undefined; value = stack.at(-1)) {
    const step = makers.get(value);
    const open = step && !done.has(value) ? inputOf(step).filter((input) => !done.has(input)) : [];
    if (open.length > 0) {
      stack.push(...open.toReversed());
      continue;
    }
    stack.pop();
    if (!step || done.has(value)) continue;
    done.add(value);
    ordered.push(step);
  }
  return ordered;
}

/** What a step does, without its name and the values it reads and makes: equal for equal steps. */
export function describe(step: Step): string {
  switch (step.kind) {
    case 'layer':
      return JSON.stringify([step.kind, settings(step.convolution)]);
    case 'channelwise':
      return JSON.stringify([step.kind, settings(step.convolution), step.perTask]);
    case 'plain': {
      const attributes = Object.entries(step.attributes).sort(([one], [other]) => (one < other ? -1 : 1));
      return JSON.stringify([step.op, attributes.map(([key, { value }]) => [key, value]), step.scalars]);
    }
    case 'select':
      return JSON.stringify([step.kind, step.segments]);
    case 'concat':
    case 'flatten':
      return step.kind;
    default:
      return step satisfies never;
  }
}

const settings = (convolution: Convolution | null): unknown =>
  convolution && [convolution.kernel, convolution.strides, convolution.pads, convolution.dilations];

/** 53 bits of a string (cyrb53), so that equal parts of networks sort alike wherever they are. */
function hash(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

/** Finds the groups: every layer makes one, and steps that join values make theirs one. */
function group(
  steps: readonly Step[],
  sizes: readonly (readonly number[])[],
  pinned: ReadonlyMap<number, string>,
): { groups: Group[]; values: Value[] } {
  // How many channels a segment has differs from network to network; here each counts as one.
  const axes = new ChannelAxes();
  const stretches: (readonly Stretch[])[] = [[{ axis: axes.add(1, true), area: 1 }]];
  const makers: { name: string; axis: number }[] = [];
  const of = (value: number): readonly Stretch[] => stretches[value] ?? [];
  for (const step of steps) {
    if (step.kind === 'layer') makers.push({ name: step.name, axis: axes.add(1) });
    if (step.kind === 'plain') {
      const [first = 0, ...others] = step.inputs;
      for (const other of others) {
        const reason = axes.tie(of(first), of(other));
        if (reason !== null) throw new Error(`Cannot group ${step.op} "${step.name}": ${reason}`);
      }
    }
    stretches[step.output] = outputOf(step, of, sizes, makers.at(-1)?.axis ?? 0);
  }
  const groups: Group[] = [{ name: 'input', pinned: 'it is the input, which all tasks read' }];
  const found = new Map<number, number>([[0, inputGroup]]);
  for (const { name, axis } of makers) {
    const [root] = axes.pieces([{ axis, area: 1 }]);
    if (!root || found.has(root.axis)) continue;
    found.set(root.axis, groups.length);
    groups.push({ name, pinned: null });
  }
  const values = stretches.map((parts, value): Value => ({
    segments: axes.pieces(parts).map(({ axis, area }) => ({ group: found.get(axis) ?? 0, area })),
    size: sizes[value] ?? [],
  }));
  for (const [value, reason] of pinned) {
    for (const { group: index } of values[value]?.segments ?? []) {
      const own = groups[index];
      if (own && own.pinned === null) groups[index] = { ...own, pinned: reason };
    }
  }
  return { groups, values };
}

function outputOf(
  step: Step,
  of: (value: number) => readonly Stretch[],
  sizes: readonly (readonly number[])[],
  newest: number,
): readonly Stretch[] {
  switch (step.kind) {
    case 'layer':
      return [{ axis: newest, area: 1 }];
    case 'channelwise':
      return of(step.input);
    case 'plain':
      return of(step.inputs[0] ?? 0);
    case 'concat':
      return step.inputs.flatMap(of);
    case 'select':
      return step.segments.flatMap((index) => of(step.input)[index] ?? []);
    case 'flatten': {
      const positions = (sizes[step.input] ?? []).reduce((product, size) => product * size, 1);
      return of(step.input).map(({ axis, area }) => ({ axis, area: area * positions }));
    }
    default:
      return step satisfies never;
  }
}

/** Channels of each group, from the layers that make them. */
export function widthsOf({ input, groups, steps, values }: Topology, weights: TaskNet['weights']): number[] {
  const widths = groups.map(() => 0);
  widths[inputGroup] = input.dims[0] ?? 1;
  for (const step of steps) {
    const [segment] = values[step.output]?.segments ?? [];
    if (step.kind === 'layer' && segment) widths[segment.group] = weights.get(step.name)?.bias.length ?? 0;
  }
  return widths;
}

/** Elements along the channel axis of a value. */
export const elementsOf = ({ segments }: Value, widths: readonly number[]): number =>
  segments.reduce((sum, { group: index, area }) => sum + (widths[index] ?? 0) * area, 0);
