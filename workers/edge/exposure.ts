import type { ErrorCode } from '../../shared/errors.ts';
import { hashUnit, type Exposure, type ShadowRun } from '../../shared/exposure.ts';
import { predictedClasses } from './agreement.ts';
import type { Placement } from './assignment.ts';
import type { Endpoint } from './endpoint.ts';
import { bytesLoaded, type Answer, type Step } from './forward.ts';

/** One request, as it looked when its reply was made. */
export interface Visit {
  readonly requestId: string;
  readonly at: Date;
  readonly endpoint: Endpoint;
  readonly placement: Placement | null;
  /** Tasks. */
  readonly asked: readonly string[];
  /** Null when it came to none. */
  readonly answer: Answer | null;
  /** Why it was refused; null for an answer. */
  readonly error: ErrorCode | null;
  readonly totalMs: number;
  /** 0 for a request that was refused before anything ran. */
  readonly heapBytes: number;
}

/** What is told about a request. */
export async function describeExposure(visit: Visit, shadow: ShadowRun | null): Promise<Exposure> {
  const { requestId, at, endpoint, placement, asked, answer, error, totalMs, heapBytes } = visit;
  const steps = answer?.steps ?? [];
  const msOf = (counts: (step: Step) => boolean): number =>
    steps.reduce((sum, step) => sum + (counts(step) ? step.ms : 0), 0);
  const predicted: Record<string, number[]> = {};
  if (error === null) {
    for (const [task, output] of answer?.outputs ?? []) {
      const classes = predictedClasses(output);
      if (classes) predicted[task] = classes;
    }
  }
  return {
    requestId,
    endpoint: endpoint.name,
    revision: endpoint.revision,
    at: at.toISOString(),
    assignment: placement && (await describePlacement(endpoint.name, placement)),
    tasks: [...asked],
    predicted,
    latencyMs: {
      total: totalMs,
      load: msOf((step) => step.what === 'load'),
      trunk: msOf((step) => step.what === 'run' && step.parts[0] === null),
      heads: msOf((step) => step.what === 'run' && step.parts[0] !== null),
    },
    bytesLoaded: bytesLoaded(steps),
    heapBytes,
    cold: steps.some((step) => step.what === 'load'),
    error,
    shadow,
  };
}

async function describePlacement(
  endpoint: string,
  { experiment: { experiment, revision, phase }, arm, reason, unit }: Placement,
): Promise<NonNullable<Exposure['assignment']>> {
  return {
    experiment,
    revision,
    phase,
    arm: arm.name,
    reason,
    unit: unit === null ? null : await hashUnit(endpoint, unit),
  };
}
