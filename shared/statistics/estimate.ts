/** One arm's mean (or ratio of means) of a metric, with what its uncertainty needs. */
export interface Estimate {
  /** Independent units it rests on: what was randomised, not requests. */
  readonly units: number;
  readonly value: number;
  /** Variance of one unit's contribution: `variance / units` is the squared standard error. Infinite when unknown. */
  readonly variance: number;
}

/** An estimate that says nothing: every interval around it is infinite. */
export const nothingKnown = (units: number): Estimate => ({ units, value: NaN, variance: Infinity });

/** @throws {RangeError} unless every number is finite; `what` names them */
export function refuseInfinite(what: string, ...numbers: readonly number[]): void {
  const wrong = numbers.find((number) => !Number.isFinite(number));
  if (wrong !== undefined) throw new RangeError(`Cannot summarise ${what}: ${wrong} is not a finite number`);
}
