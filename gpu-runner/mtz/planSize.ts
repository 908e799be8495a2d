import { elementCount } from '../../shared/tensor.ts';
import { isWeighted, weightedSteps, widthOf, type Network } from './network.ts';
import type { Plan } from './plan.ts';
import { allOf, meets, members, single, type TaskSet } from './taskSet.ts';
import { inputGroup, inputOf, kernelArea, valueAt, type Segment, type Step } from './topology.ts';

/** What a plan would lead to, tails not counted. */
export interface PlanSize {
  /** Weights and biases stored. */
  readonly parameters: number;
  /** Multiply-adds for all tasks on one input, what is common to all computed once. */
  readonly macs: number;
}

/** Counts what networks would store and compute if they shared what a plan says; nothing is merged for it. */
export const planSize = (network: Network, plan: Plan): PlanSize => new PlanSizer(network).size(plan);

/** {@link planSize} for many plans of the same networks. */
export class PlanSizer {
  private readonly network: Network;
  /** Channels, by group and task. */
  private readonly widths: readonly (readonly number[])[];

  constructor(network: Network) {
    const { topology, tasks } = network;
    this.network = network;
    this.widths = topology.groups.map((_, group) => tasks.map((__, task) => widthOf(network, group, task)));
  }

  size(plan: Plan): PlanSize {
    const { topology, tasks, wiring } = this.network;
    const common = this.commonValues(plan);
    const read = this.readAlone(plan);
    let parameters = 0;
    let macs = 0;
    for (const step of weightedSteps(this.network)) {
      const input = this.segmentsOf(step.input);
      const output = this.segmentsOf(step.output);
      // A scale and a shift are no convolution: not counted, as elsewhere.
      const positions =
        step.kind === 'channelwise' && !step.convolution
          ? 0
          : elementCount(valueAt(topology, step.output).size);
      const area = kernelArea(step);
      const count = (weights: number, biases: number, runs: number): void => {
        parameters += weights + biases;
        macs += weights * positions * runs;
      };
      const rows = this.sharedIn(output, plan);
      const runs = common[step.output] ? 1 : tasks.length;
      const copies = step.kind === 'channelwise' && step.perTask ? tasks.length : 1;
      if (step.kind === 'channelwise') count(rows * area * copies, rows * copies, runs / copies);
      else count(rows * this.sharedIn(input, plan) * area, rows, runs);
      for (const task of tasks.keys()) {
        const alone = this.ownIn(input, plan, task);
        if (step.kind === 'layer' && wiring === 'crossed') count(rows * alone * area, 0, 1);
        if (!meets(read[step.output] ?? 0, single(task))) continue;
        const left = this.ownIn(output, plan, task);
        const columns = step.kind === 'layer' ? this.sharedIn(input, plan) + alone : 1;
        count(left * columns * area, left, 1);
      }
    }
    return { parameters, macs };
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
    return group === inputGroup ? 0 : (this.widths[group]?.[task] ?? 0) - (plan.get(group) ?? 0);
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
