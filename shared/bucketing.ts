import { slotCount, type Arm, type PublishedExperiment } from './experiment.ts';

const utf8 = new TextEncoder();

/** FNV-1a, 32 bits, over the UTF-8 bytes of a text (draft-eastlake-fnv). */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The slot (0 to 9,999) that `unit` falls on under `seed`: GrowthBook's hash, version 2. Hashing twice is what makes
 * the slots of one unit under two seeds independent; one pass of FNV-1a leaves them correlated.
 *
 * Equal to GrowthBook's JavaScript for ASCII units; beyond ASCII that hashes UTF-16 units, this UTF-8 bytes.
 */
export const slotOf = (seed: string, unit: string): number =>
  fnv1a32(String(fnv1a32(seed + unit))) % slotCount;

/** Slots `start` to `end - 1`. */
export interface SlotRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The slots each arm uses at this coverage: `[cum, cum + coverage * weight)`, rounded to whole slots. Every arm's range
 * starts where it would at full coverage, so lowering coverage only shrinks ranges and raising it only grows them:
 * no unit ever moves from one arm to another.
 *
 * @param weights slots of each arm, summing to 10,000
 * @param coverage 0 to 1
 * @throws {RangeError} when the weights or the coverage are out of range
 */
export function slotRanges(weights: readonly number[], coverage: number): SlotRange[] {
  if (!(coverage >= 0 && coverage <= 1)) {
    throw new RangeError(`Cannot divide slots: coverage is ${coverage}, it must be between 0 and 1`);
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total !== slotCount || !weights.every((weight) => Number.isInteger(weight) && weight >= 0)) {
    throw new RangeError(
      `Cannot divide slots: weights [${weights.join(', ')}] must be whole and sum to ${slotCount}`,
    );
  }
  let start = 0;
  return weights.map((weight) => {
    const range = { start, end: start + Math.round(coverage * weight) };
    start += weight;
    return range;
  });
}

const holds = ({ start, end }: SlotRange, slot: number): boolean => slot >= start && slot < end;

/**
 * What a unit's assignment is remembered and its exposures are counted under. Unambiguous: experiments have no "/" in
 * their names, and the unit, which may, comes last.
 */
export const stickyKey = (experiment: string, revision: number, unit: string): string =>
  `${experiment}/${revision}/${unit}`;

/** Why a request gets its arm. Only `assigned` requests are compared; `no-unit` is counted apart. */
export type AssignmentReason = 'assigned' | 'not-covered' | 'other-experiment' | 'no-unit';
export interface Assignment {
  readonly arm: Arm;
  readonly reason: AssignmentReason;
}

/**
 * The arm of a unit, from published data alone. The same unit gets the same arm for as long as the revision stands.
 *
 * @param unit what the request names itself by; null or empty when it does not
 * @throws {RangeError} when the experiment was not checked by its schema
 */
export function assign(published: PublishedExperiment, unit: string | null): Assignment {
  const { experiment, revision, layer, coverage, arms } = published;
  const byDefault = (reason: AssignmentReason): Assignment => ({
    arm: armNamed(published, published.defaultArm),
    reason,
  });
  if (unit === null || unit === '') return byDefault('no-unit');
  if (layer && !holds(layer, slotOf(`layer/${layer.name}/`, unit))) return byDefault('other-experiment');
  // The text that is hashed is the sticky key: seed and unit run together.
  const slot = slotOf(stickyKey(experiment, revision, ''), unit);
  const ranges = slotRanges(
    arms.map((arm) => arm.weight),
    coverage,
  );
  const arm = arms[ranges.findIndex((range) => holds(range, slot))];
  return arm ? { arm, reason: 'assigned' } : byDefault('not-covered');
}

/** @throws {RangeError} when the experiment has no such arm */
export function armNamed(published: PublishedExperiment, name: string): Arm {
  const arm = published.arms.find((one) => one.name === name);
  if (!arm) throw new RangeError(`Cannot find arm "${name}" in experiment "${published.experiment}"`);
  return arm;
}

/**
 * The arm to run beside the one that served, for the stated fraction of requests, chosen by request id and so
 * independently of the unit's arm; null for the others.
 */
export function shadowArm(published: PublishedExperiment, served: string, requestId: string): Arm | null {
  const { shadow, experiment, defaultArm } = published;
  if (!shadow || slotOf(`shadow/${experiment}/`, requestId) >= Math.round(shadow.share * slotCount))
    return null;
  const other = shadow.arm === served ? defaultArm : shadow.arm;
  return other === served ? null : armNamed(published, other);
}
