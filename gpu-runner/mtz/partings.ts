import { difference, stepLabel } from './difference.ts';
import { isPinned, type Labelled } from './labels.ts';
import { inputOf, type Step } from './topology.ts';

interface Apart {
  readonly step: Step;
  readonly label: number;
  readonly reads: string;
}

/** The first steps of a network that are not common although all they read is. */
function firstApart({ net, labels }: Labelled, common: ReadonlySet<number>): Apart[] {
  return net.topology.steps.flatMap((step, index) => {
    const inputs = inputOf(step).map((value) => labels.values.get(value) ?? 0);
    const own = labels.steps[index] ?? -1;
    return !common.has(own) && inputs.every((input) => input === 0 || common.has(input))
      ? [{ step, label: own, reads: inputs.join() }]
      : [];
  });
}

/**
 * Where two networks part; none where they do not, nor where it is another network that parts from both.
 *
 * @returns sentences without an end: what comes of it is the caller's to say
 */
export function partings(a: Labelled, b: Labelled, common: ReadonlySet<number>): string[] {
  const [[one], others] = [firstApart(a, common), firstApart(b, common)];
  const other = others.find(({ reads }) => reads === one?.reads) ?? others[0];
  if ((!one && !other) || (one && other && isAlike(a, one, b, other))) return [];
  if (one && other) return [difference(one.step, a.net.task, other.step, b.net.task)];
  const [longer, shorter, more] = one ? [a.net.task, b.net.task, one] : [b.net.task, a.net.task, other];
  return [`"${longer}" goes on with ${more ? stepLabel(more.step) : ''} where the steps of "${shorter}" end`];
}

/** Whether both do the same there, and neither parts from the other: their answers do not make the difference either. */
const isAlike = (a: Labelled, one: Apart, b: Labelled, other: Apart): boolean =>
  one.label === other.label && isPinned(a.net, one.step) === isPinned(b.net, other.step);

/** The refusal of networks that differ from their first layers on. */
export function nothingInCommon(nets: readonly Labelled[], common: ReadonlySet<number>): Error {
  const [first] = nets;
  const own = first && firstApart(first, common)[0];
  const others = nets.slice(1).filter((other) => firstApart(other, common).length > 0);
  // Of more than two, one that parts from the first, rather than one from which both part.
  const parts = (other: Labelled): boolean => {
    const [step] = firstApart(other, common);
    return (
      first !== undefined && own !== undefined && step !== undefined && !isAlike(first, own, other, step)
    );
  };
  const apart = others.find(parts) ?? others[0];
  const theirs = apart && firstApart(apart, common)[0];
  if (!first || !own || !apart || !theirs)
    return new Error('Cannot zip: the networks have no layer in common');
  return new Error(
    `Cannot zip "${first.net.task}" with "${apart.net.task}": they have no layer in common; ` +
      difference(own.step, first.net.task, theirs.step, apart.net.task),
  );
}
