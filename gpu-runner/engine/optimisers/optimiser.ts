import type { Emitter } from '../emitter.ts';

/** One step of an optimiser, written over flat vectors: one pass an operator over all parameters at once. */
export interface Optimiser {
  /** Names of its state vectors, each as long as the parameters and 0 at the start. */
  readonly state: readonly string[];
  /**
   * Numbers that change with the step and are fed to the graph, computed in float64 here.
   *
   * @param step counted from 1
   */
  scalars(step: number, learningRate: number): Readonly<Record<string, number>>;
  /** Emits the step. */
  emit(emit: Emitter, step: OptimiserStep): OptimiserResult;
}

export interface OptimiserStep {
  readonly parameters: string;
  readonly grad: string;
  /** Weight decay of every parameter, as long as the parameters; undefined where none decays. */
  readonly decay: string | undefined;
  readonly state: readonly string[];
  /** Rank-0 values under the names that `scalars` gives. */
  readonly scalars: Readonly<Record<string, string>>;
}

export interface OptimiserResult {
  readonly parameters: string;
  readonly state: readonly string[];
}
