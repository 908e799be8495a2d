import { elementCount } from '../../shared/tensor.ts';
import { weightedSteps, widthOf, type Network, type WeightedStep } from './network.ts';
import type { Plan } from './plan.ts';
import { layersOf } from './survey.ts';
import { inputGroup, inputOf, kernelArea, valueAt, type Segment } from './topology.ts';

/** What a plan would lead to, tails not counted. */
export interface PlanSize {
  /** Weights and biases stored. */
  readonly parameters: number;
  /** Multiply-adds for all tasks on one input, what is common to all computed once. */
  readonly macs: number;
}

/** Counts what networks would store and compute if they shared what a plan says; nothing is merged for it. */
export function planSize(network: Network, plan: Plan): PlanSize {
  const { topology, tasks } = network;
  const shared = (group: number): number =>
    group === inputGroup ? widthOf(network, group, 0) : (plan.get(group) ?? 0);
  const own = (group: number, task: number): number => widthOf(network, group, task) - shared(group);
  const total = (segments: readonly Segment[], channels: (group: number) => number): number =>
    segments.reduce((sum, { group, area }) => sum + channels(group) * area, 0);
  const common = commonValues(network, plan);
  const read = readAlone(network, own);
  let parameters = 0;
  let macs = 0;
  for (const step of weightedSteps(network)) {
    const input = valueAt(topology, step.input).segments;
    const output = valueAt(topology, step.output);
    // A scale and a shift are no convolution: not counted, as elsewhere.
    const positions = step.kind === 'channelwise' && !step.convolution ? 0 : elementCount(output.size);
    const area = kernelArea(step);
    const count = (weights: number, biases: number, runs: number): void => {
      parameters += weights + biases;
      macs += weights * positions * runs;
    };
    const rows = total(output.segments, shared);
    const runs = common.has(step.output) ? 1 : tasks.length;
    if (step.kind === 'channelwise') {
      const copies = step.perTask ? tasks.length : 1;
      count(rows * area * copies, rows * copies, runs / copies);
      for (const [task] of tasks.entries()) {
        if (!read.has(key(step.output, task))) continue;
        const left = total(output.segments, (group) => own(group, task));
        count(left * area, left, 1);
      }
      continue;
    }
    count(rows * total(input, shared) * area, rows, runs);
    for (const [task] of tasks.entries()) {
      const alone = total(input, (group) => own(group, task));
      if (network.wiring === 'crossed') count(rows * alone * area, 0, 1);
      if (!read.has(key(step.output, task))) continue;
      const left = total(output.segments, (group) => own(group, task));
      count(left * (total(input, shared) + alone) * area, left, 1);
    }
  }
  return { parameters, macs };
}

/** Whether anything would read the channels of a group that a plan leaves each task: else sharing less is pruning. */
export function isOwnRead(network: Network, plan: Plan, group: number): boolean {
  const own = (of: number, task: number): number =>
    of === inputGroup ? 0 : widthOf(network, of, task) - (plan.get(of) ?? 0);
  const read = readAlone(network, own);
  const [first] = layersOf(network, group);
  return (
    first !== undefined &&
    network.tasks.every((_, task) => own(group, task) === 0 || read.has(key(first.output, task)))
  );
}

const key = (value: number, task: number): string => `${value} ${task}`;

/** The values whose own channels of a task anything reads: one-way, shared channels do not. */
function readAlone(
  { topology, tasks, tails, wiring }: Network,
  own: (group: number, task: number) => number,
): ReadonlySet<string> {
  const read = new Set<string>();
  for (const [task] of tasks.entries()) {
    const ends = tails[task]?.reads ?? (topology.output === null ? [] : [topology.output]);
    for (const value of ends) read.add(key(value, task));
    for (const step of topology.steps.toReversed()) {
      const hasOwn = valueAt(topology, step.output).segments.some(({ group }) => own(group, task) > 0);
      const isRead =
        (hasOwn && read.has(key(step.output, task))) || (step.kind === 'layer' && wiring === 'crossed');
      if (isRead || (step.kind !== 'layer' && read.has(key(step.output, task))))
        for (const input of inputOf(step)) read.add(key(input, task));
    }
  }
  return read;
}

/** The values whose shared channels would come out the same for all tasks. */
function commonValues(network: Network, plan: Plan): Set<number> {
  const { topology, wiring } = network;
  const isWhole = (value: number): boolean =>
    valueAt(topology, value).segments.every(
      ({ group }) =>
        group === inputGroup ||
        network.tasks.every((_, task) => widthOf(network, group, task) === (plan.get(group) ?? 0)),
    );
  const mixes = (step: WeightedStep): boolean =>
    step.kind === 'layer' && wiring === 'crossed' && !isWhole(step.input);
  const common = new Set([0]);
  for (const step of topology.steps) {
    const apart = (step.kind === 'channelwise' && step.perTask) || (step.kind === 'layer' && mixes(step));
    if (!apart && inputOf(step).every((input) => common.has(input))) common.add(step.output);
  }
  return common;
}
