import { assemble, widthsOf } from './arrange.ts';
import { passingTail, tailAfter } from './cut.ts';
import { scaleInput, scalesInput } from './inputScale.ts';
import { commonLabels, label, type Labelled } from './labels.ts';
import { nothingInCommon, partings } from './partings.ts';
import { isScalarStep, scalarWeights, withWeights } from './scalarStep.ts';
import { inputGroup, valueAt, type Step, type TaskNet, type Weights } from './topology.ts';

export interface Aligned {
  /** With one topology, that of what they have in common; names are those of the first. */
  readonly nets: readonly TaskNet[];
  /** Where the first and another part, in sentences without an end. */
  readonly partings: readonly string[];
  /** Where they part and what else was done to them, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Finds what networks have in common from the input on: steps that do the same with the same. Where they scale or shift
 * by different numbers, the numbers become weights. What one has and another
 * has not goes to its tail, and so does everything that depends on it. Widths may differ. Steps that answer a task are
 * common only where all networks answer by them.
 *
 * @throws {Error} when the inputs have different dims, a task is there twice, or no layer is common.
 */
export function align(given: readonly TaskNet[]): Aligned {
  const tasks = given.map(({ task }) => task);
  if (new Set(tasks).size < tasks.length)
    throw new Error(`Cannot zip ${tasks.join(', ')}: a task appears twice`);
  const scaled = withEqualScales(given);
  const [first, ...others] = scaled.nets;
  if (!first) throw new Error('Cannot zip: no network is given');
  for (const other of others) checkInputs(first, other);

  const shared = new Map<string, number>();
  const labelled = scaled.nets.map((net) => ({ net, labels: label(net, shared) }));
  const common = commonLabels(labelled);
  const [one] = labelled;
  if (!one) throw new Error('Cannot zip: no network is given');
  const kept = first.topology.steps
    .filter((_, index) => common.has(one.labels.steps[index] ?? -1))
    .map((step) => differing(step, one, labelled));
  if (!kept.some(({ kind }) => kind === 'layer')) throw nothingInCommon(labelled, common);

  const ends = labelled.map(({ net, labels }) =>
    net.tail === null && net.topology.output !== null ? labels.values.get(net.topology.output) : undefined,
  );
  const end = ends[0];
  const endTogether = end !== undefined && common.has(end) && ends.every((other) => other === end);
  const { topology } = assemble({
    input: first.topology.input,
    steps: kept,
    sizes: new Map(first.topology.values.map(({ size }, value) => [value, size])),
    output: endTogether ? first.topology.output : null,
    pinned: pinnedValues(first),
  });
  const places = new Map(kept.map((step, index) => [one.labels.values.get(step.output) ?? 0, index]));
  const nets = labelled.map(({ net, labels }): TaskNet => {
    const weights = new Map<string, Weights>();
    const own = new Set<number>();
    for (const [index, step] of net.topology.steps.entries()) {
      const place = places.get(labels.steps[index] ?? -1);
      if (place === undefined) continue;
      own.add(index);
      const { name, kind } = topology.steps[place] ?? step;
      const isWeighted = kind === 'channelwise' && isScalarStep(step, net.topology);
      const values = isWeighted ? scalarWeights(step, net) : net.weights.get(step.name);
      if (values) weights.set(name, values);
    }
    const numberOf = (value: number): number => {
      const place = places.get(labels.values.get(value) ?? -1);
      return place === undefined ? 0 : place + 1;
    };
    const ended = endTogether ? null : (tailAfter(net, own) ?? passingTail(net, net.topology.output ?? 0));
    return {
      ...net,
      topology,
      weights,
      widths: widthsOf(topology, weights),
      tail: ended && { graph: ended.graph, reads: ended.reads.map(numberOf) },
    };
  });
  const parted = labelled.slice(1).flatMap((other) => partings(one, other, common));
  const notes = parted.map((where) => `${where}: from there on both stay in their heads`);
  return { nets, partings: parted, notes: [...scaled.notes, ...notes] };
}

/** A step of the first network; with weights where the networks scale or shift by different numbers. */
function differing(step: Step, first: Labelled, nets: readonly Labelled[]): Step {
  if (!isScalarStep(step, first.net.topology)) return step;
  const own = first.labels.values.get(step.output) ?? -1;
  const isEqual = nets.every(({ net, labels }) => {
    const other = net.topology.steps[labels.steps.indexOf(own)];
    return other?.kind === 'plain' && other.scalars[0] === step.scalars[0];
  });
  return isEqual ? step : withWeights(step);
}

/** The values whose groups are every task's own. */
function pinnedValues({ topology }: TaskNet): Map<number, string> {
  return new Map(
    topology.steps.flatMap(({ output, kind }) => {
      const [segment] = valueAt(topology, output).segments;
      const reason = segment && segment.group !== inputGroup && topology.groups[segment.group]?.pinned;
      return kind === 'layer' && typeof reason === 'string' ? [[output, reason] as const] : [];
    }),
  );
}

function checkInputs(a: TaskNet, b: TaskNet): void {
  const [dims, others] = [a.topology.input.dims, b.topology.input.dims];
  if (dims.join() === others.join()) return;
  throw new Error(
    `Cannot zip "${a.task}" with "${b.task}": their inputs are [${dims.join()}] and [${others.join()}]`,
  );
}

/** Networks that do not scale their input scale it by 1 where others scale theirs. */
function withEqualScales(nets: readonly TaskNet[]): { nets: readonly TaskNet[]; notes: string[] } {
  const scaling = nets.filter(scalesInput);
  if (scaling.length === 0 || scaling.length === nets.length) return { nets, notes: [] };
  const names = scaling.map(({ task }) => `"${task}"`).join(', ');
  return {
    nets: nets.map((net) => (scalesInput(net) ? net : scaleInput(net))),
    notes: [`The input is normalised by ${names} only; the others scale it by 1`],
  };
}
