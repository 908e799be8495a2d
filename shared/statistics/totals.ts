import type { RatioSums } from './ratio.ts';

/**
 * What one arm's units did, summed. Only units that the hash assigned to this arm under the experiment's revision, and
 * that met no other arm: not the addressed, not the uncovered, not those without a unit.
 */
export interface ArmTotals {
  readonly units: number;
  /** Of them, those first assigned in the current phase. */
  readonly phaseUnits: number;
  /** Failed requests over requests, by unit. */
  readonly errors: RatioSums;
  /** Milliseconds over answered requests, by unit. */
  readonly latencyMs: RatioSums;
  /** Rewards (0 to 1: right or wrong) over outcomes, by unit; `units` counts those with an outcome. */
  readonly tasks: Readonly<Record<string, RatioSums>>;
  /** Anything else to save, over requests, by unit: bytes, MACs, heap. */
  readonly costs: Readonly<Record<string, RatioSums>>;
}

/** Everything the analysis looks at. All of one revision: over revisions the arms' units are not comparable. */
export interface Totals {
  readonly arms: Readonly<Record<string, ArmTotals>>;
  /** Units that met more than one arm. */
  readonly multipleUnits: number;
}
