import type { PlanPoint, Saving } from './budget.ts';
import type { Plan } from './plan.ts';
import type { PlanSize } from './planSize.ts';

/** A plan and what was known of it before anything was shared. */
export interface PlanReport {
  readonly plan: Plan;
  readonly size: PlanSize;
  /** Of the separate networks. */
  readonly separate: PlanSize;
  /** What the plan and others are predicted to lose; null where nothing was measured for it. */
  readonly prediction: Prediction | null;
  /** Why there is no prediction though one was asked for; null: there is, or nobody asked. */
  readonly unpredicted: string | null;
}

/** Losses of plans, parts of the variance of the answers, predicted on the untouched networks. */
export interface Prediction {
  /** What the plans before the others save first. */
  readonly saving: Saving;
  /** Loss against size, from sharing all that the recipe allows to sharing nothing. */
  readonly curve: readonly PlanPoint[];
  /** Of a plan that shares no more channels than the recipe allows. */
  readonly lossOf: (plan: Plan) => number;
}
