import type { ExperimentRequest } from '../../shared/experiment-api.ts';
import { hashUnit, type Exposure } from '../../shared/exposure.ts';
import { setEndpoint } from '../../workers/domain/set-endpoint.ts';
import { insertExposures } from '../../workers/store/exposures.ts';
import { insertOutcomes } from '../../workers/store/outcomes.ts';
import type { Stores } from '../../workers/store/stores.ts';
import { exposureOf } from '../shared/exposures.ts';
import { by, publish } from './fixtures.ts';

/** Bundles of the two tasks, merged and separate, and an endpoint that serves the separate ones. */
export async function publishArms(stores: Stores, endpoint: string) {
  const digit = await publish(stores, ['digit'], { name: 'digit-alone' });
  const clothing = await publish(stores, ['clothing'], { name: 'clothing-alone' });
  const merged = await publish(stores, ['digit', 'clothing'], { name: 'merged' });
  const separate = { digit, clothing };
  await setEndpoint(stores, { endpoint, tasks: separate }, by);
  return { separate, merged: { digit: merged, clothing: merged } };
}

/** Merged against separate on half of the units each, everybody covered. */
export const requestOf = (
  endpoint: string,
  arms: Awaited<ReturnType<typeof publishArms>>,
  change: Partial<ExperimentRequest> = {},
): ExperimentRequest => ({
  endpoint,
  unit: { from: 'header', name: 'x-unit' },
  layer: null,
  coverage: 1,
  arms: [
    { name: 'separate', weight: 5000, tasks: arms.separate },
    { name: 'merged', weight: 5000, tasks: arms.merged },
  ],
  defaultArm: 'separate',
  shadow: null,
  margins: { digit: 0.05, clothing: 0.05 },
  alpha: 0.05,
  plannedUnits: 1000,
  guardrails: [],
  ramp: { steps: [0.1, 0.5, 1], minUnits: 60 },
  ...change,
});

/** A random-looking fraction that is the same in every run (the fractional parts of multiples of the golden ratio). */
export const fractionAt = (i: number): number => (i * 0.6180339887498949) % 1;

export interface Traffic {
  experiment: string;
  units: number;
  revision?: number;
  phase?: number;
  /** Numbers the units and requests from here. */
  first?: number;
  /** Chance of a right answer, by arm. */
  right?: Record<string, number>;
  change?: (i: number, arm: string) => Partial<Exposure>;
}

/** Units that alternate between the two arms, a request each, with the truth of both tasks. */
export async function sendTraffic(stores: Stores, endpoint: string, traffic: Traffic): Promise<void> {
  const { experiment, units, revision = 1, phase = 1, first = 0, right = {}, change } = traffic;
  const exposures: Exposure[] = [];
  const outcomes = [];
  for (let i = first; i < first + units; i++) {
    const arm = i % 2 === 0 ? 'separate' : 'merged';
    const requestId = `${experiment}-${i}`;
    const unit = await hashUnit(endpoint, `unit-${i}`);
    exposures.push(
      exposureOf({
        requestId,
        endpoint,
        at: new Date(Date.parse(by.at) + i * 1000).toISOString(),
        assignment: { experiment, revision, phase, arm, reason: 'assigned', unit },
        shadow: null,
        ...change?.(i, arm),
      }),
    );
    const isRight = fractionAt(Math.floor(i / 2)) < (right[arm] ?? 0.9);
    const said = { kind: 'request' as const, subject: requestId, reward: null, at: by.at };
    outcomes.push({ ...said, task: 'digit', truth: [isRight ? 7 : 8] });
    outcomes.push({ ...said, task: 'clothing', truth: [isRight ? 2 : 3] });
  }
  await insertExposures(stores.db, exposures);
  await insertOutcomes(stores.db, outcomes);
}
