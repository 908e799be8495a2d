import { assemble, describe, isCommutative, widthsOf } from './arrange.ts';
import { passingTail, tailAfter } from './cut.ts';
import { difference, stepLabel } from './difference.ts';
import { scaleInput, scalesInput } from './inputScale.ts';
import { inputGroup, inputOf, valueAt, type Step, type TaskNet, type Weights } from './topology.ts';

export interface Aligned {
  /** With one topology, that of what they have in common; names are those of the first. */
  readonly nets: readonly TaskNet[];
  /** Where they part, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Finds what networks have in common from the input on: steps that do the same with the same. What one has and another
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
  const kept = first.topology.steps.filter((_, index) => common.has(one.labels.steps[index] ?? -1));
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
      const values = net.weights.get(step.name);
      const name = topology.steps[place]?.name;
      if (values && name !== undefined) weights.set(name, values);
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
  const notes = labelled.slice(1).flatMap((other) => partings(one, other, common));
  return { nets, notes: [...scaled.notes, ...notes] };
}

interface Labels {
  /** Of each step; equal in two networks where they do the same with the same. */
  readonly steps: readonly number[];
  /** By the value that the step makes. */
  readonly values: ReadonlyMap<number, number>;
}

interface Labelled {
  readonly net: TaskNet;
  readonly labels: Labels;
}

/** Labels steps by what they do and the labels of what they read; of several alike, the first is the first in each. */
function label({ topology }: TaskNet, shared: Map<string, number>): Labels {
  const counts = new Map<string, number>();
  const values = new Map<number, number>([[0, 0]]);
  const steps = topology.steps.map((step) => {
    const inputs = inputOf(step).map((value) => values.get(value) ?? 0);
    if (isCommutative(step)) inputs.sort((a, b) => a - b);
    const what = `${describe(step)} of ${inputs.join()}`;
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

/** What every network has, pinned in all or in none, with all that it depends on. */
function commonLabels(nets: readonly Labelled[]): Set<number> {
  const pinned = nets.map(({ net, labels }) => {
    const { steps, groups } = net.topology;
    const isPinned = ({ output }: Step): boolean =>
      valueAt(net.topology, output).segments.some(
        ({ group }) => group !== inputGroup && groups[group]?.pinned != null,
      );
    return new Set(labels.steps.filter((_, index) => isPinned(steps[index] as Step)));
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

/** The first steps of a network that are not common although all they read is. */
function firstApart({ net, labels }: Labelled, common: ReadonlySet<number>): { step: Step; reads: string }[] {
  return net.topology.steps.flatMap((step, index) => {
    const inputs = inputOf(step).map((value) => labels.values.get(value) ?? 0);
    const isApart = !common.has(labels.steps[index] ?? -1);
    return isApart && inputs.every((input) => input === 0 || common.has(input))
      ? [{ step, reads: inputs.join() }]
      : [];
  });
}

function partings(a: Labelled, b: Labelled, common: ReadonlySet<number>): string[] {
  const [[one], others] = [firstApart(a, common), firstApart(b, common)];
  const other = others.find(({ reads }) => reads === one?.reads) ?? others[0];
  if (!one && !other) return [];
  const rest = 'from there on both stay in their heads';
  if (one && other) return [`${difference(one.step, a.net.task, other.step, b.net.task)}: ${rest}`];
  const [longer, shorter, more] = one ? [a.net.task, b.net.task, one] : [b.net.task, a.net.task, other];
  return [
    `"${longer}" goes on with ${more ? stepLabel(more.step) : ''} where the steps of "${shorter}" end: ${rest}`,
  ];
}

function nothingInCommon(nets: readonly Labelled[], common: ReadonlySet<number>): Error {
  const [first] = nets;
  const own = first && firstApart(first, common)[0];
  const apart = nets.slice(1).find((other) => firstApart(other, common).length > 0);
  const theirs = apart && firstApart(apart, common)[0];
  if (!first || !own || !apart || !theirs)
    return new Error('Cannot zip: the networks have no layer in common');
  return new Error(
    `Cannot zip "${first.net.task}" with "${apart.net.task}": they have no layer in common; ` +
      difference(own.step, first.net.task, theirs.step, apart.net.task),
  );
}
