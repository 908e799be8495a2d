import { describe, isCommutative } from './arrange.ts';
import { isScalarStep } from './scalarStep.ts';
import { inputGroup, inputOf, valueAt, type Step, type TaskNet } from './topology.ts';

export interface Labels {
  /** Of each step; equal in two networks where they do the same with the same. */
  readonly steps: readonly number[];
  /** By the value that the step makes. */
  readonly values: ReadonlyMap<number, number>;
}

export interface Labelled {
  readonly net: TaskNet;
  readonly labels: Labels;
}

/** Labels steps by what they do and the labels of what they read; of several alike, the first is the first in each. */
export function label({ topology }: TaskNet, shared: Map<string, number>): Labels {
  const counts = new Map<string, number>();
  const values = new Map<number, number>([[0, 0]]);
  const steps = topology.steps.map((step) => {
    const inputs = inputOf(step).map((value) => values.get(value) ?? 0);
    if (isCommutative(step)) inputs.sort((a, b) => a - b);
    const does = isScalarStep(step, topology) ? `${step.op} of a number` : describe(step);
    const what = `${does} of ${inputs.join()}`;
    const count = counts.get(what) ?? 0;
    counts.set(what, count + 1);
    const key = `${count} ${what}`;
    const known = shared.get(key) ?? shared.size + 1;
    shared.set(key, known);
    values.set(step.output, known);
    return known;
  });
  return { steps, values };
}

/** Whether a step puts out channels that every task keeps to itself. */
export const isPinned = ({ topology }: Pick<TaskNet, 'topology'>, { output }: Step): boolean =>
  valueAt(topology, output).segments.some(
    ({ group }) => group !== inputGroup && topology.groups[group]?.pinned != null,
  );

/** What every network has, pinned in all or in none, with all that it depends on. */
export function commonLabels(nets: readonly Labelled[]): Set<number> {
  const pinned = nets.map(({ net, labels }) => {
    const { steps } = net.topology;
    return new Set(labels.steps.filter((_, index) => isPinned(net, steps[index] as Step)));
  });
  const [first] = nets;
  const present = nets.map(({ labels }) => new Set(labels.steps));
  const common = new Set<number>();
  for (const [index, step] of (first?.net.topology.steps ?? []).entries()) {
    const own = first?.labels.steps[index] ?? -1;
    const isEverywhere = present.every((labels) => labels.has(own));
    const pins = pinned.filter((labels) => labels.has(own)).length;
    const inputs = inputOf(step).map((value) => first?.labels.values.get(value) ?? 0);
    const isRooted = inputs.every((input) => input === 0 || common.has(input));
    if (isEverywhere && isRooted && (pins === 0 || pins === nets.length)) common.add(own);
  }
  return common;
}
