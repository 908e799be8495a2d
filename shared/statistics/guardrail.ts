import type { Guardrail } from '../experiment.ts';
import { bounds } from './confidenceSequence.ts';
import { difference, lift, type Contrast } from './contrast.ts';
import type { Estimate } from './estimate.ts';
import { fractionOf, noRatio, ratioOf } from './ratio.ts';
import type { ArmTotals } from './totals.ts';

/** Whether an arm is surely worse than allowed. */
export interface GuardrailResult {
  /** How much worse the arm is than the default, as the guardrail counts it: larger is worse. */
  readonly harm: Contrast;
  /** Harm is at least this, with the stated confidence, at every look. */
  readonly atLeast: number;
  readonly limit: number;
  readonly breached: boolean;
}

/**
 * One-sided sequential test of one guardrail: breached when the lower bound of the harm passes the limit. An arm that is
 * not worse than the limit is ever called breached with probability at most `alpha`.
 */
export function testGuardrail(
  guardrail: Guardrail,
  candidate: ArmTotals,
  baseline: ArmTotals,
  alpha: number,
  plannedUnits: number,
): GuardrailResult {
  const harm = harmOf(guardrail, candidate, baseline);
  const limit = guardrail.kind === 'accuracy' ? guardrail.maxDrop : guardrail.maxIncrease;
  const atLeast = bounds(harm, alpha, plannedUnits).low;
  return { harm, atLeast, limit, breached: atLeast > limit };
}

function harmOf(guardrail: Guardrail, candidate: ArmTotals, baseline: ArmTotals): Contrast {
  switch (guardrail.kind) {
    case 'errors':
      return difference(fractionOf(candidate.errors), fractionOf(baseline.errors));
    case 'latency':
      return lift(ratioOf(candidate.latencyMs), ratioOf(baseline.latencyMs));
    case 'accuracy': {
      const accuracy = (arm: ArmTotals): Estimate => fractionOf(arm.tasks[guardrail.task] ?? noRatio);
      return difference(accuracy(baseline), accuracy(candidate));
    }
    default:
      return guardrail satisfies never;
  }
}
