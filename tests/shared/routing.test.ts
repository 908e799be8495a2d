import { expect, test } from 'vitest';
import { published } from '../../shared/experiment.ts';
import { routing } from '../../shared/routing.ts';
import { experimentOf } from './experiments.ts';

const bundle = 'a'.repeat(64);

test('a routing names an endpoint, a revision and a bundle a task', () => {
  const right = { endpoint: 'vision', revision: 1, tasks: { digit: { bundle } } };
  expect(routing.parse(right)).toEqual({ ...right, project: 'default', experiments: [] });
});

test('a routing carries the running experiments with their phases', () => {
  const experiment = published(experimentOf());
  const right = { endpoint: 'vision', revision: 1, tasks: { digit: { bundle } } };
  const routed = { ...right, project: 'shop', experiments: [{ ...experiment, phase: 2 }] };
  expect(routing.parse(routed)).toEqual(routed);
  expect(routing.safeParse({ ...right, experiments: [experiment] }).success).toBe(false);
  const broken = { ...routed, experiments: [{ ...experiment, phase: 2, defaultArm: 'none' }] };
  expect(routing.safeParse(broken).success).toBe(false);
});

test('a routing with a wrong name, revision or digest is refused', () => {
  for (const wrong of [
    { endpoint: 'Vision', revision: 1, tasks: {} },
    { endpoint: 'vision', revision: 0, tasks: {} },
    { endpoint: 'vision', revision: 1, tasks: { digit: { bundle: 'latest' } } },
    { endpoint: 'vision', revision: 1, tasks: { 'a b': { bundle } } },
  ]) {
    expect(routing.safeParse(wrong).success).toBe(false);
  }
});
