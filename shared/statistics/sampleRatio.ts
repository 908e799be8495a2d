import { chiSquareSurvival } from './distributions.ts';

/**
 * One honest look in a thousand raises a false alarm; fifty looks at a growing phase do in about nine of a thousand.
 * That is borne, because an alarm only holds and lifts by itself: it costs time, not truth.
 */
const alarmBelow = 0.001;
/** Units each arm must be expected to have: below that the chi-square distribution is a poor approximation. */
const fewestExpected = 8;

export interface Homogeneity {
  readonly chiSquare: number;
  /** 1 while there are too few units to tell. */
  readonly pValue: number;
  readonly alarm: boolean;
}

const cannotTell: Homogeneity = { chiSquare: 0, pValue: 1, alarm: false };

/**
 * Sample-ratio mismatch: whether the arms of one phase got the units that their slots say, by the chi-square test
 * (Fabijan et al., KDD 2019). A mismatch means that units got lost on the way and no comparison can be trusted.
 *
 * @param units units first assigned in this phase, by arm
 * @param slots slots each arm used in this phase; arms without slots may not have units, and are an alarm by themselves
 * @throws {RangeError} when the lists differ in length or hold anything but counts
 */
export function sampleRatio(units: readonly number[], slots: readonly number[]): Homogeneity {
  refuseUneven(units, slots);
  if (units.some((count, i) => count > 0 && slots[i] === 0)) {
    return { chiSquare: Infinity, pValue: 0, alarm: true };
  }
  const total = sum(units);
  const all = sum(slots);
  const used = units.map((count, i) => ({ count, slots: slots[i] ?? 0 })).filter((arm) => arm.slots > 0);
  const expected = used.map((arm) => (total * arm.slots) / all);
  if (used.length < 2 || Math.min(...expected) < fewestExpected) return cannotTell;
  return judged(
    sum(used.map((arm, i) => (arm.count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 1))),
    used.length,
  );
}

/**
 * Missing data: whether the same fraction of each arm's units has an outcome, by the chi-square test of a 2 x arms
 * table. Outcomes that get lost in one arm more than in another bias the comparison, however many there are.
 *
 * @param answered units with an outcome, by arm
 * @param units all units, by arm
 * @throws {RangeError} when the lists differ in length or more units are answered than there are
 */
export function missingOutcomes(answered: readonly number[], units: readonly number[]): Homogeneity {
  refuseUneven(answered, units);
  if (answered.some((count, i) => count > (units[i] ?? 0))) {
    throw new RangeError(`Cannot compare ${answered.join(', ')} answered units of ${units.join(', ')}`);
  }
  const arms = answered.map((count, i) => ({ count, units: units[i] ?? 0 })).filter((arm) => arm.units > 0);
  const rate = sum(arms.map((arm) => arm.count)) / sum(arms.map((arm) => arm.units));
  const fewest = Math.min(...arms.map((arm) => arm.units * Math.min(rate, 1 - rate)));
  if (arms.length < 2 || fewest < fewestExpected) return cannotTell;
  const cells = arms.map((arm) => (arm.count - arm.units * rate) ** 2 / (arm.units * rate * (1 - rate)));
  return judged(sum(cells), arms.length);
}

function judged(chiSquare: number, arms: number): Homogeneity {
  const pValue = chiSquareSurvival(chiSquare, arms - 1);
  return { chiSquare, pValue, alarm: pValue < alarmBelow };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function refuseUneven(a: readonly number[], b: readonly number[]): void {
  const wrong = [...a, ...b].find((count) => !(count >= 0 && Number.isFinite(count)));
  if (a.length !== b.length || wrong !== undefined) {
    throw new RangeError(`Cannot compare counts [${a.join(', ')}] with [${b.join(', ')}]`);
  }
}
