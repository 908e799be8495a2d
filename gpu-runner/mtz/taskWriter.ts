import { logitsOf } from './logitsOf.ts';
import { isWeighted, orderInputs, blocksOf, rowsOf, type Network, type Part, type Rows } from './network.ts';
import type { NetworkWriter } from './networkWriter.ts';
import { tailName } from './parameters.ts';
import { contains, label, single, type TaskSet } from './taskSet.ts';
import { valueAt, type Step } from './topology.ts';

export interface TaskSources {
  /** Called once, where the input is needed. */
  readonly input: () => string;
  /** The tensor of a value's channels that `tasks` use, if it need not be written. Asked once each. */
  readonly tap?: (value: number, tasks: TaskSet) => string | undefined;
  /** Tells the values of one task from another's in the same graph. */
  readonly rename?: (name: string) => string;
  /** Leaves out a Softmax at the end. */
  readonly logits?: boolean;
}

/** The task sets whose channels a value has for one task, in the order of {@link orderInputs}. */
export function homesOf(network: Network, value: number, task: number): TaskSet[] {
  const homes = valueAt(network.topology, value).segments.flatMap(({ group }) =>
    blocksOf(network, group).filter(
      ({ tasks, sources }) => contains(tasks, single(task)) && sources.length > 0,
    ),
  );
  const sets = [...new Set(homes.map(({ tasks }) => tasks))];
  return orderInputs(sets.map((from) => ({ segment: 0, from }))).map(({ from }) => from);
}

/** Elements along the channel axis that one segment of a value has for exactly these tasks. */
export function extentOf(network: Network, value: number, segment: number, tasks: TaskSet): number {
  const { group, area } = valueAt(network.topology, value).segments[segment] ?? { group: -1, area: 0 };
  const block = blocksOf(network, group).find((each) => each.tasks === tasks);
  return (block?.sources.length ?? 0) * area;
}

/** What the channels of a value that exactly `tasks` use are called, e.g. "conv1.digit+fashion". */
export function valueName(network: Network, value: number, tasks: TaskSet): string {
  const step = stepOf(network, value);
  return `${step?.name ?? network.topology.input.name}.${label(tasks, network.tasks)}`;
}

export const stepOf = (network: Network, value: number): Step | undefined =>
  network.topology.steps.find(({ output }) => output === value);

/** Writes what one task computes: each value where it is first read, once. Channels of the same tasks lie in one tensor. */
export class TaskWriter {
  protected readonly writer: NetworkWriter;
  protected readonly network: Network;
  protected readonly task: number;
  protected readonly sources: TaskSources;
  private readonly written = new Map<string, string>();

  constructor(writer: NetworkWriter, network: Network, task: number, sources: TaskSources) {
    this.writer = writer;
    this.network = network;
    this.task = task;
    this.sources = sources;
  }

  /** The task's answer, under its name. */
  answer(): string {
    const name = this.network.tasks[this.task];
    if (name === undefined) throw new Error(`Cannot write task ${this.task}: the network does not have it`);
    const tail = this.network.tails[this.task];
    if (tail) return this.tail(name);
    const { output } = this.network.topology;
    if (output === null) throw new Error(`Cannot write "${name}": its network ends before its answer`);
    const value = this.joined(output, homesOf(this.network, output, this.task));
    this.writer.graph.addNode('Identity', [value], [name]);
    return name;
  }

  /** All channels of a value that the task has, in the order of {@link homesOf}. */
  joined(value: number, homes: readonly TaskSet[]): string {
    const [only, ...others] = homes;
    if (only === undefined) throw new Error(`Cannot write value ${value}: it has no channels`);
    if (others.length === 0) return this.value(value, only);
    const key = `${value} ${homes.join()}`;
    return this.once(key, () => {
      const name = this.name(`${valueName(this.network, value, single(this.task))}.joined`, homes.join('.'));
      this.writer.concat(
        homes.map((home) => this.value(value, home)),
        name,
      );
      return name;
    });
  }

  /** The channels of a value that exactly these tasks use. */
  value(value: number, home: TaskSet): string {
    return this.once(`${value} ${home}`, () => {
      const step = stepOf(this.network, value);
      if (!step) return this.sources.input();
      return this.sources.tap?.(value, home) ?? this.write(step, home);
    });
  }

  protected once(key: string, write: () => string): string {
    const known = this.written.get(key);
    if (known !== undefined) return known;
    const name = write();
    this.written.set(key, name);
    return name;
  }

  protected name(name: string, suffix?: string): string {
    const whole = suffix === undefined ? name : `${name}.${suffix}`;
    return this.sources.rename?.(whole) ?? whole;
  }

  private write(step: Step, home: TaskSet): string {
    const name = this.name(valueName(this.network, step.output, home));
    const { writer, network } = this;
    switch (step.kind) {
      case 'layer':
        this.sum(
          step,
          rowsOf(network, step).filter(({ tasks }) => tasks === home),
          name,
        );
        break;
      case 'channelwise':
        this.channelwise(step, home, name);
        break;
      case 'plain':
        writer.plain(
          step,
          step.inputs.map((input) => this.value(input, home)),
          name,
        );
        break;
      case 'concat': {
        const parts = step.inputs
          .filter((input) => homesOf(network, input, this.task).includes(home))
          .map((input) => this.value(input, home));
        if (parts.length === 1) return parts[0] ?? name;
        writer.concat(parts, name);
        break;
      }
      case 'select': {
        const value = this.value(step.input, home);
        writer.slices(value, this.stretches(step.input, step.segments, home), name);
        break;
      }
      case 'flatten':
        writer.graph.addNode('Flatten', [this.value(step.input, home)], [name]);
        break;
      default:
        step satisfies never;
    }
    return name;
  }

  /** What the task's parts of a block's rows add up to. */
  private sum(step: Step, rows: readonly Rows[], name: string): void {
    if (!isWeighted(step)) return;
    const [of] = rows;
    const used = of?.parts.filter(({ use }) => contains(use, single(this.task))) ?? [];
    // Where tasks have no input in common, all that they share is the bias.
    const parts = used.filter(({ inputs }) => inputs.length > 0);
    const alone = used.find(({ inputs, bias }) => bias !== null && inputs.length === 0);
    if (!of || parts.length === 0) throw new Error(`Cannot write "${name}": nothing puts it out`);
    let total: string | undefined;
    for (const [index, part] of parts.entries()) {
      const input = this.joined(step.input, homesRead(part));
      const last = index === parts.length - 1;
      const result = parts.length === 1 ? name : `${name}.part${index}`;
      const bias = part.bias === null && index === 0 ? alone : part;
      this.writer.part(step, of, part, input, result, bias);
      if (total !== undefined)
        this.writer.graph.addNode('Add', [total, result], [last ? name : `${name}.sum${index}`]);
      total = total === undefined ? result : last ? name : `${name}.sum${index}`;
    }
  }

  private channelwise(step: Step & { kind: 'channelwise' }, home: TaskSet, name: string): void {
    const rows = rowsOf(this.network, step).filter(({ tasks }) => tasks === home);
    const input = this.value(step.input, home);
    const [only, ...others] = rows;
    const partOf = ({ parts }: Rows): Part => {
      const part = parts.find(({ use }) => contains(use, single(this.task)));
      if (!part) throw new Error(`Cannot write "${name}": task ${this.task} has no weights for it`);
      return part;
    };
    if (!only) throw new Error(`Cannot write "${name}": nothing puts it out`);
    if (others.length === 0) {
      this.writer.part(step, only, partOf(only), input, name);
      return;
    }
    const parts = [...rows]
      .sort((a, b) => a.segment - b.segment)
      .map((each) => {
        const piece = `${name}.segment${each.segment}`;
        this.writer.slices(input, this.stretches(step.input, [each.segment], home), `${piece}.read`);
        this.writer.part(step, each, partOf(each), `${piece}.read`, piece);
        return piece;
      });
    this.writer.concat(parts, name);
  }

  /** Where some segments of a value lie in the tensor of a task set. */
  private stretches(value: number, segments: readonly number[], home: TaskSet): [number, number][] {
    let start = 0;
    const ends = valueAt(this.network.topology, value).segments.map((_, segment): [number, number] => {
      const from = start;
      start += extentOf(this.network, value, segment, home);
      return [from, start];
    });
    return segments.flatMap((segment) => {
      const stretch = ends[segment];
      return stretch && stretch[1] > stretch[0] ? [stretch] : [];
    });
  }

  private tail(name: string): string {
    const own = this.network.tails[this.task];
    if (!own) throw new Error(`Cannot write "${name}": it has no tail`);
    const tail = this.sources.logits ? { ...own, graph: logitsOf(own.graph) } : own;
    const bound = new Map<string, string>();
    for (const [index, value] of tail.reads.entries()) {
      const input = tail.graph.inputs[index];
      if (!input) throw new Error(`Cannot write "${name}": its tail has no input ${index}`);
      bound.set(input.name, this.restored(value));
    }
    const { graph } = this.writer;
    const outputs = graph.outputs.length;
    graph.append(tail.graph, tailName(this.network, this.task, ''), bound);
    graph.outputs.length = outputs;
    const [answer] = tail.graph.outputs;
    if (!answer) throw new Error(`Cannot write "${name}": its tail has no output`);
    graph.addNode('Identity', [tailName(this.network, this.task, answer.name)], [name]);
    this.writer.declare({ ...answer, name });
    return name;
  }

  /** A value with its channels in the order of the task's own network. */
  private restored(value: number): string {
    const { network } = this;
    const homes = homesOf(network, value, this.task);
    const joined = this.joined(value, homes);
    const order = ownOrder(network, value, this.task, homes);
    if (order.every((channel, index) => channel === index)) return joined;
    return this.once(`${value} restored`, () => {
      const name = this.name(`${valueName(network, value, single(this.task))}.restored`);
      this.writer.gather(joined, order, name);
      return name;
    });
  }
}

/** The task sets whose channels a part reads, in order. */
const homesRead = ({ inputs }: Part): TaskSet[] => [...new Set(inputs.map(({ from }) => from))];

/** Where each element of the task's own channel axis lies in the joined tensor of a value. */
export function ownOrder(network: Network, value: number, task: number, homes: readonly TaskSet[]): number[] {
  const name = network.tasks[task] ?? '';
  const order: number[] = [];
  let at = 0;
  const { segments } = valueAt(network.topology, value);
  const widths = segments.map(
    ({ group, area }) =>
      area *
      blocksOf(network, group).reduce(
        (sum, { tasks, sources }) => sum + (contains(tasks, single(task)) ? sources.length : 0),
        0,
      ),
  );
  const starts = widths.map((_, index) => widths.slice(0, index).reduce((sum, width) => sum + width, 0));
  for (const home of homes) {
    for (const [segment, { group, area }] of segments.entries()) {
      const block = blocksOf(network, group).find(({ tasks }) => tasks === home);
      for (const source of block?.sources ?? []) {
        for (let k = 0; k < area; k += 1) {
          order[(starts[segment] ?? 0) + (source[name] ?? 0) * area + k] = at;
          at += 1;
        }
      }
    }
  }
  return order;
}
