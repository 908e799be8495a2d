import { describePreprocessing, type Preprocessing } from '../../shared/preprocessing.ts';
import type { InputAdaptation } from '../../shared/recipe.ts';
import type { InputScale } from '../mtz/inputScale.ts';

/** How one task's data say that its network's input is made. */
export interface DeclaredInput {
  readonly task: string;
  /** Null: arrays hold what the network reads. */
  readonly preprocessing: Preprocessing | null;
  /** How the network takes the channels of the others, where it has another number. */
  readonly how?: InputAdaptation | undefined;
}

export interface CommonInput {
  /** What the bundle declares and all data are read with; null where nobody declares any. */
  readonly preprocessing: Preprocessing | null;
  /** One a task, in order: what its network reads in place of that; undefined where it is the same. */
  readonly scales: readonly (InputScale | undefined)[];
  /** What was done about differences, in sentences. */
  readonly notes: readonly string[];
}

/**
 * One preprocessing for all tasks, since a bundle has one input: that of the first whose channels stay as they are. Where
 * others scale, shift or stretch the same pixels otherwise, their networks can do that themselves.
 *
 * @throws {Error} naming two tasks whose preprocessings differ in what no network can take over
 */
export function commonInput(tasks: readonly DeclaredInput[]): CommonInput {
  const first = tasks.find(({ preprocessing, how }) => preprocessing && how === undefined);
  const adapted = tasks.find(({ preprocessing, how }) => preprocessing && how !== undefined);
  if (!first?.preprocessing) {
    if (!adapted) return { preprocessing: null, scales: tasks.map(() => undefined), notes: [] };
    throw new Error(
      `Cannot give ${names(tasks)} one input: only "${adapted.task}", whose channels are adapted, declares its preprocessing; declare that of the others`,
    );
  }
  const known: Declared = { task: first.task, preprocessing: first.preprocessing };
  const target = { ...known, preprocessing: withResize(known, tasks) };
  const told = describePreprocessing(target.preprocessing);
  const notes: string[] = [];
  const scales = tasks.map(({ task, preprocessing, how }): InputScale | undefined => {
    if (!preprocessing) {
      notes.push(
        `Nobody declares how inputs of "${task}" are made: its arrays are taken for what "${first.task}" reads (${told})`,
      );
      return undefined;
    }
    const scale = scaleBetween(target, { task, preprocessing }, how !== undefined);
    if (scale)
      notes.push(
        `Inputs of all tasks are made as those of "${first.task}" (${told}); those of "${task}" were made otherwise (${describePreprocessing(preprocessing)}), which is folded into its network`,
      );
    return scale;
  });
  return { preprocessing: target.preprocessing, scales, notes };
}

/** What data held before anything was scaled, one a task. */
export interface RawUnits extends DeclaredInput {
  /** Whether pixels were bytes; else they were numbers that may be in any unit. */
  readonly bytes: boolean;
}

/** @throws {Error} when one task's numbers are scaled otherwise than another's bytes: nobody says that they are of one unit */
export function checkUnits(tasks: readonly RawUnits[]): void {
  const declared = tasks.filter(({ preprocessing }) => preprocessing !== null);
  for (const one of declared)
    for (const other of declared)
      if (one.bytes && !other.bytes && one.preprocessing?.scale !== other.preprocessing?.scale)
        throw new Error(
          `Cannot give "${one.task}" and "${other.task}" one input: the former scales bytes by ${one.preprocessing?.scale ?? 1}, the latter numbers that are no bytes by ${other.preprocessing?.scale ?? 1}; store those as bytes, or as what "${one.task}" reads and declare null as their preprocessing`,
        );
}

interface Declared {
  readonly task: string;
  readonly preprocessing: Preprocessing;
}

/** Resizing to the size that images of another task must have anyway leaves them as they are. */
function withResize(first: Declared, tasks: readonly DeclaredInput[]): Preprocessing {
  const [, height, width] = first.preprocessing.layout;
  const resizes = tasks.flatMap(({ preprocessing }) => preprocessing?.resize ?? []);
  const resize = resizes.find((one) => one.width === width && one.height === height);
  return first.preprocessing.resize || !resize ? first.preprocessing : { ...first.preprocessing, resize };
}

/** @throws {Error} when more than scale, mean and std differ */
function scaleBetween(
  { task: first, preprocessing: target }: Declared,
  { task, preprocessing: own }: Declared,
  adapts: boolean,
): InputScale | undefined {
  const differs =
    sizeOf(own) !== sizeOf(target) ||
    (own.resize !== undefined && JSON.stringify(own.resize) !== JSON.stringify(target.resize)) ||
    (own.resize === undefined && !keepsSize(target)) ||
    (!adapts && own.channels !== target.channels);
  if (differs)
    throw new Error(
      `Cannot give "${first}" and "${task}" one input: that of "${first}" is made of ${describePreprocessing(target)}, that of "${task}" of ${describePreprocessing(own)}; only another scale, mean or std can be folded into a network`,
    );
  const channels = Math.max(target.layout[0], own.layout[0]);
  const at = (values: readonly number[], channel: number): number =>
    values[Math.min(channel, values.length - 1)] ?? 0;
  const each = (of: (channel: number) => number): number[] =>
    Array.from({ length: channels }, (_, channel) => of(channel));
  // x = (v s - m) / d is read, (v s' - m') / d' is what the network knows.
  const ratio = own.scale / target.scale;
  const scale = each((c) => (ratio * at(target.std, c)) / at(own.std, c));
  const shift = each((c) => (at(target.mean, c) * ratio - at(own.mean, c)) / at(own.std, c));
  const isNothing = scale.every((value) => isNear(value, 1)) && shift.every((value) => isNear(value, 0));
  return isNothing ? undefined : { scale, shift };
}

const sizeOf = ({ layout }: Preprocessing): string => layout.slice(1).join();

/** Whether images that have the size of the layout come out as they are. */
const keepsSize = ({ layout: [, height, width], resize }: Preprocessing): boolean =>
  resize === undefined || (resize.width === width && resize.height === height);

/** Digits that a person did not write are no difference. */
const isNear = (value: number, to: number): boolean => Math.abs(value - to) < 1e-9;

const names = (tasks: readonly DeclaredInput[]): string => tasks.map(({ task }) => `"${task}"`).join(' and ');
