import { Random } from '../engine/random.ts';

export interface SplitOptions {
  /** Share of each class that is held out, 0 to 0.5. */
  readonly validation: number;
  readonly seed: number;
  /** [size]: samples of one number stay together (frames of one track, pictures of one person). */
  readonly groups?: ArrayLike<number> | undefined;
}

export interface Split {
  /** Indices in rising order. */
  readonly train: Uint32Array<ArrayBuffer>;
  readonly validation: Uint32Array<ArrayBuffer>;
}

/**
 * Draws what is held out of training, class by class: whole groups in random order while they come nearer to the
 * share, but never the last group of a class. A group counts to the class of its first sample. The same labels, groups
 * and seed give the same split on every machine.
 */
export function splitDataset(labels: ArrayLike<number>, options: SplitOptions): Split {
  const { validation: share, seed, groups } = options;
  const size = labels.length;
  if (!(share >= 0 && share <= 0.5))
    throw new RangeError(`Cannot split a data set: the share held out is ${share}, not 0 to 0.5`);
  if (groups && groups.length !== size)
    throw new RangeError(`Cannot split a data set: ${groups.length} groups for ${size} samples`);

  const members = new Map<number, number[]>();
  const classes = new Map<number, number[][]>();
  for (let index = 0; index < size; index++) {
    const group = groups ? (groups[index] ?? 0) : index;
    const known = members.get(group);
    if (known) {
      known.push(index);
      continue;
    }
    const started = [index];
    members.set(group, started);
    const label = labels[index] ?? 0;
    const ofClass = classes.get(label);
    if (ofClass) ofClass.push(started);
    else classes.set(label, [started]);
  }

  const held = new Uint8Array(size);
  for (const [label, ofClass] of classes) {
    const order = new Random(seed, label).permutation(ofClass.length);
    const target = share * ofClass.reduce((sum, group) => sum + group.length, 0);
    let taken = 0;
    // The last of the order stays in training, whatever the share.
    for (const position of order.subarray(0, -1)) {
      const group = ofClass[position] ?? [];
      if (Math.abs(taken + group.length - target) >= Math.abs(taken - target)) continue;
      taken += group.length;
      for (const index of group) held[index] = 1;
    }
  }
  const all = Uint32Array.from({ length: size }, (_, index) => index);
  return {
    train: all.filter((index) => held[index] === 0),
    validation: all.filter((index) => held[index] === 1),
  };
}
