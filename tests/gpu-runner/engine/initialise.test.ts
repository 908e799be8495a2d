import { expect, test } from 'vitest';
import { uniformFanIn } from '../../../gpu-runner/engine/initialise.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';

test('uniformFanIn() fills the interval within 1 / sqrt(fanIn) evenly', () => {
  const { dtype, dims, data } = uniformFanIn(new Random(1), [40, 10, 5, 5], 250);
  expect([dtype, dims, data.length]).toEqual(['float32', [40, 10, 5, 5], 10_000]);
  const bound = 1 / Math.sqrt(250);
  expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound);
  const variance = data.reduce((sum, value) => sum + value ** 2, 0) / data.length;
  // Of a uniform distribution; five standard errors of its estimate are 4.5 %.
  expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(0.045);
});

test('uniformFanIn() repeats itself for the same seed', () => {
  const [one, two] = [new Random(7), new Random(7)].map((random) => uniformFanIn(random, [6], 3));
  expect(one).toEqual(two);
});

test('uniformFanIn() refuses a fan-in of 0', () => {
  expect(() => uniformFanIn(new Random(1), [1], 0)).toThrow('Cannot initialise weights for 0 inputs');
});
