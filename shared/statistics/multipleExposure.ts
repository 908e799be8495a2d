/** The hash gives a unit one arm, so more than a few such units mean that units or revisions are mixed up. */
const tolerated = 0.01;
/** A handful of them is nothing to hold an experiment for, whatever fraction it is. */
const fewest = 10;

/** Units that met more than one arm of a revision: they are left out of every comparison. */
export interface MultipleExposure {
  readonly units: number;
  /** Of all units, 0 to 1. */
  readonly share: number;
  readonly alarm: boolean;
}

/**
 * @param multiple units that met more than one arm
 * @param single units that met exactly one
 * @throws {RangeError} unless both are counts
 */
export function multipleExposure(multiple: number, single: number): MultipleExposure {
  if (![multiple, single].every((count) => Number.isInteger(count) && count >= 0)) {
    throw new RangeError(`Cannot compare ${multiple} units in several arms with ${single} in one`);
  }
  const share = multiple === 0 ? 0 : multiple / (multiple + single);
  return { units: multiple, share, alarm: multiple >= fewest && share > tolerated };
}
