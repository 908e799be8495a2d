import { expect, test } from 'vitest';
import { experimentRequest, outcome, outcomesRequest } from '../../shared/experiment-api.ts';
import { experimentOf } from './experiments.ts';

const written = (): Record<string, unknown> => {
  const { endpoint, unit, arms, defaultArm, margins } = experimentOf();
  return { endpoint, unit, arms, defaultArm, margins };
};

test('what a person leaves out of an experiment has its default', () => {
  expect(experimentRequest.parse(written())).toMatchObject({
    ...{ layer: null, shadow: null, alpha: 0.05, plannedUnits: 5000, guardrails: [] },
    ramp: { steps: [0.01, 0.05, 0.1, 0.25, 0.5, 1], minUnits: 100 },
  });
  expect(experimentRequest.parse(written()).coverage).toBeUndefined();
});

test('a person cannot write what the program keeps', () => {
  for (const kept of ['state', 'version', 'revision', 'phases', 'decision', 'experiment']) {
    expect(experimentRequest.safeParse({ ...written(), [kept]: 1 }).success, kept).toBe(false);
  }
});

test('an outcome is a truth or a reward, of a request or of a unit of an endpoint', () => {
  const request = { requestId: 'r1', task: 'digit' };
  const unit = { endpoint: 'vision', unit: 'jane@example.com', task: 'digit' };
  for (const right of [
    { ...request, truth: 7 },
    { ...request, truth: [7, 8] },
    { ...unit, reward: 0 },
    { ...unit, reward: 1, at: '2026-01-02T03:04:05.000Z' },
  ]) {
    expect(outcome.parse(right)).toEqual(right);
    expect(outcomesRequest.parse({ outcomes: [right] })).toEqual({ outcomes: [right] });
  }
  for (const wrong of [request, { ...request, truth: 1, reward: 1 }, { ...request, ...unit, reward: 1 }]) {
    expect(outcome.safeParse(wrong).success).toBe(false);
  }
});
