import { elementCount } from '../../shared/tensor.ts';
import type { Graph } from '../onnx/graph.ts';
import { countMacs, countParameters } from './count.ts';
import { isWeighted, weightedSteps, widthOf, type Network, type WeightedStep } from './network.ts';
import type { Plan } from './plan.ts';
import { knownPart } from './read/tidy.ts';
import { allOf, meets, members, single, type TaskSet } from './taskSet.ts';
import { inputGroup, inputOf, kernelArea, valueAt, type Segment, type Step } from './topology.ts';

/** What a plan would lead to, all that every task computes by itself in the end included. */
export interface PlanSize {
  /** Weights and biases stored. */
  readonly parameters: number;
  /** Multiply-adds for all tasks on one input, what is common to all computed once. */
  readonly macs: number;
}

/**
 * What stays whole in the heads, whatever the plan: of all tasks together. Multiply-adds are counted as far as shapes can
 * be inferred.
 */
export function tailsSize({ tails }: Pick<Network, 'tails'>): PlanSize {
  const graphs = tails.flatMap((tail) => (tail ? [tail.graph] : []));
  const total = (count: (graph: Graph) => number): number =>
    graphs.reduce((sum, graph) => sum + count(graph), 0);
  return { parameters: total(countParameters), macs: total((graph) => countMacs(knownPart(graph))) };
}

/** Counts what networks would store and compute if they shared what a plan says; nothing is merged for it. */
export const planSize = (network: Network, plan: Plan): PlanSize => new PlanSizer(network).size(plan);

/** {@link planSize} for many plans of the same networks. */
export class PlanSizer {
  private readonly network: Network;
  /** Channels, by group and task. */
  private readonly widths: readonly (readonly number[])[];
  private readonly tails: PlanSize;

  constructor(network: Network) {
    const { topology, tasks } = network;
    this.network = network;
    this.tails = tailsSize(network);
    this.widths = topology.groups.map((_, group) => tasks.map((__, task) => widthOf(network, group, task)));
  }

  size(plan: Plan): PlanSize {
    let { parameters, macs } = this.tails;
    for (const size of this.groupSizes(plan).values()) {
      parameters += size.parameters;
      macs += size.macs;
    }
    return { parameters, macs };
  }

  /** By group, what makes its channels: layers, and the channelwise steps after them. Tails are in none of them. */
  groupSizes(plan: Plan): Map<number, PlanSize> {
    const sizes = new Map<number, { parameters: number; macs: number }>();
    const common = this.commonValues(plan);
    const read = this.readAlone(plan);
    for (const step of weightedSteps(this.network)) {
      for (const segment of this.segmentsOf(step.output)) {
        const size = sizes.get(segment.group) ?? { parameters: 0, macs: 0 };
        sizes.set(segment.group, size);
        const runs = common[step.output] ? 1 : this.network.tasks.length;
        this.addStep(size, plan, step, segment, { runs, read: read[step.output] ?? 0 });
      }
    }
    return sizes;
  }

  /** The layers whose shared channels all tasks have the same of on one input: those that run once. */
  layersOnce(plan: Plan): string[] {
    const common = this.commonValues(plan);
    return this.network.topology.steps.flatMap((step) =>
      step.kind === 'layer' && common[step.output] && this.sharedIn(this.segmentsOf(step.output), plan) > 0
        ? [step.name]
        : [],
    );
  }

  /**
   * Adds what a step takes for one segment of what it puts out.
   *
   * @param runs how often its shared channels are computed on one input
   * @param read the tasks whose own channels of it anything reads
   */
  private addStep(
    size: { parameters: number; macs: number },
    plan: Plan,
    step: WeightedStep,
    segment: Segment,
    { runs, read }: { readonly runs: number; readonly read: TaskSet },
  ): void {
    const { topology, tasks, wiring } = this.network;
    const [input, output] = [this.segmentsOf(step.input), [segment]];
    // A scale and a shift are no convolution: not counted, as elsewhere.
    const positions =
      step.kind === 'channelwise' && !step.convolution
        ? 0
        : elementCount(valueAt(topology, step.output).size);
    const area = kernelArea(step);
    const count = (weights: number, biases: number, times: number): void => {
      size.parameters += weights + biases;
      size.macs += weights * positions * times;
    };
    const rows = this.sharedIn(output, plan);
    const copies = step.kind === 'channelwise' && step.perTask ? tasks.length : 1;
    if (step.kind === 'channelwise') count(rows * area * copies, rows * copies, runs / copies);
    else count(rows * this.sharedIn(input, plan) * area, rows, runs);
    for (const task of tasks.keys()) {
      const alone = this.ownIn(input, plan, task);
      if (step.kind === 'layer' && wiring === 'crossed') count(rows * alone * area, 0, 1);
      if (!meets(read, single(task))) continue;
      const left = this.ownIn(output, plan, task);
      const columns = step.kind === 'layer' ? this.sharedIn(input, plan) + alone : 1;
      count(left * columns * area, left, 1);
    }
  }

  /** Whether anything would read the channels of a group that a plan leaves each task: else sharing less is pruning. */
  isOwnRead(plan: Plan, group: number): boolean {
    // Crossed, shared channels read everything.
    if (this.network.wiring === 'crossed') return true;
    const first = this.network.topology.steps.find(
      (step) => step.kind === 'layer' && this.segmentsOf(step.output)[0]?.group === group,
    );
    if (!first) return false;
    const read = this.readAlone(plan)[first.output] ?? 0;
    return this.network.tasks.every(
      (_, task) => this.own(group, plan, task) === 0 || meets(read, single(task)),
    );
  }

  private segmentsOf(value: number): readonly Segment[] {
    return valueAt(this.network.topology, value).segments;
  }

  private shared(group: number, plan: Plan): number {
    return group === inputGroup ? (this.widths[group]?.[0] ?? 0) : (plan.get(group) ?? 0);
  }

  private own(group: number, plan: Plan, task: number): number {
    if (group === inputGroup) return 0;
    // A task that was added may have none of what others share.
    return Math.max(0, (this.widths[group]?.[task] ?? 0) - (plan.get(group) ?? 0));
  }

  private isWhole(group: number, plan: Plan): boolean {
    return this.network.tasks.every((_, task) => this.own(group, plan, task) === 0);
  }

  private sharedIn(segments: readonly Segment[], plan: Plan): number {
    return segments.reduce((sum, { group, area }) => sum + this.shared(group, plan) * area, 0);
  }

  private ownIn(segments: readonly Segment[], plan: Plan, task: number): number {
    return segments.reduce((sum, { group, area }) => sum + this.own(group, plan, task) * area, 0);
  }

  /** By value: the tasks whose own channels anything reads; one-way, shared channels do not. */
  private readAlone(plan: Plan): TaskSet[] {
    const { topology, tasks, tails, wiring } = this.network;
    const read: TaskSet[] = topology.values.map(() => 0);
    const mark = (value: number, by: TaskSet): void => {
      read[value] = (read[value] ?? 0) | by;
    };
    for (const task of tasks.keys()) {
      const ends = tails[task]?.reads ?? (topology.output === null ? [] : [topology.output]);
      for (const value of ends) mark(value, single(task));
    }
    for (const step of topology.steps.toReversed()) {
      let by = read[step.output] ?? 0;
      if (step.kind === 'layer')
        by = wiring === 'crossed' ? allOf(tasks.length) : this.having(step, plan, by);
      for (const input of inputOf(step)) mark(input, by);
    }
    return read;
  }

  /** Those of some tasks that have own channels in what a step puts out. */
  private having(step: Step, plan: Plan, of: TaskSet): TaskSet {
    return members(of)
      .filter((task) => this.ownIn(this.segmentsOf(step.output), plan, task) > 0)
      .reduce((set, task) => set | single(task), 0);
  }

  /** By value: whether its shared channels would come out the same for all tasks. */
  private commonValues(plan: Plan): boolean[] {
    const { topology, wiring } = this.network;
    const common = topology.values.map((_, value) => value === 0);
    const mixes = (value: number): boolean =>
      wiring === 'crossed' && !this.segmentsOf(value).every(({ group }) => this.isWhole(group, plan));
    for (const step of topology.steps) {
      const apart = isWeighted(step) && (step.kind === 'channelwise' ? step.perTask : mixes(step.input));
      if (!apart && inputOf(step).every((input) => common[input])) common[step.output] = true;
    }
    return common;
  }
}
