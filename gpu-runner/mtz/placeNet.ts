import { describe, elementsOf } from './arrange.ts';
import { tailAfter } from './cut.ts';
import { inputGroup, inputOf, valueAt, type Step, type TaskNet, type Topology } from './topology.ts';

/**
 * A network in the topology of others: of their steps it does those that it has in common with them, and all else in its
 * tail. It has no channels in the groups that it does not reach, and its topology has no other steps than its own.
 *
 * @param net aligned with the others, so that its steps have the names of theirs
 * @throws {Error} when not one layer is common.
 */
export function placeNet(net: TaskNet, topology: Topology): TaskNet {
  const theirs = new Map(topology.steps.map((step) => [step.name, step]));
  const places = new Map<number, number>([[0, 0]]);
  const widths = topology.groups.map(() => 0);
  widths[inputGroup] = net.widths[inputGroup] ?? 0;
  const kept = new Set<number>();
  const steps = new Set<Step>();
  for (const [index, step] of net.topology.steps.entries()) {
    const same = theirs.get(step.name);
    if (!same || !isSame(step, same, places) || !fits(net, step, widths, same, topology)) continue;
    kept.add(index);
    steps.add(same);
    places.set(step.output, same.output);
  }
  if (![...steps].some(({ kind }) => kind === 'layer'))
    throw new Error(`Cannot add "${net.task}": it has no layer in common with the networks that are zipped`);
  const tail = tailAfter(net, kept);
  return {
    ...net,
    topology: { ...topology, steps: topology.steps.filter((step) => steps.has(step)) },
    widths,
    weights: new Map([...net.weights].filter(([name]) => [...steps].some((step) => step.name === name))),
    tail: tail && { graph: tail.graph, reads: tail.reads.map((value) => places.get(value) ?? 0) },
  };
}

/** Whether a network that was placed in a topology has all of its steps. */
export const isWhole = ({ topology: own }: TaskNet, { steps }: Topology): boolean =>
  own.steps.length === steps.length;

/**
 * What a network that was placed in a topology does not share of it, and why.
 *
 * @param partings where it parts from the others, in sentences without an end
 */
export function leftOut(
  { task, topology: own }: TaskNet,
  { steps, values, groups }: Topology,
  partings: readonly string[],
): string[] {
  const layers = (of: readonly Step[]): Step[] => of.filter(({ kind }) => kind === 'layer');
  const has = new Set(own.steps.map(({ name }) => name));
  const lost = layers(steps).filter(({ name, output }) => {
    const group = values[output]?.segments[0]?.group ?? inputGroup;
    return !has.has(name) && groups[group]?.pinned === null;
  });
  const [where = `"${task}" ties other channels than the others`] = partings;
  const count = `"${task}" has ${layers(own.steps).length} of the ${layers(steps).length} layers that the others have in common`;
  const without =
    lost.length === 0
      ? ''
      : `; the others keep ${lost.map(({ name }) => name).join(', ')} among themselves: what they share there is stored once and computed by each`;
  return [`${where}: from there on "${task}" stays in its head. ${count}${without}`];
}

const isSame = (own: Step, other: Step, places: ReadonlyMap<number, number>): boolean =>
  describe(own) === describe(other) &&
  inputOf(own)
    .map((value) => places.get(value))
    .join() === inputOf(other).join();

/**
 * Whether what a step puts out has as many channels as what the others tie it to; notes how many where it is the first.
 * Layers whose outputs only the others add up may have different widths in the network.
 */
function fits(net: TaskNet, step: Step, widths: number[], same: Step, topology: Topology): boolean {
  const { segments } = valueAt(topology, same.output);
  if (step.kind !== 'layer')
    return (
      elementsOf(valueAt(net.topology, step.output), net.widths) ===
      elementsOf({ segments, size: [] }, widths)
    );
  const [own, other] = [valueAt(net.topology, step.output).segments[0], segments[0]];
  if (!own || !other) return false;
  const width = net.widths[own.group] ?? 0;
  const known = widths[other.group] ?? 0;
  if (known > 0 && known !== width) return false;
  widths[other.group] = width;
  return true;
}
