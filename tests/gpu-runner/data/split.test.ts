import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitDataset } from '../../../gpu-runner/data/split.ts';

const count = (values: Iterable<number>, wanted: number): number =>
  Array.from(values).filter((value) => value === wanted).length;

it('splitDataset() holds the share of every class out, and every sample is on one side', () => {
  const labels = Array.from({ length: 200 }, (_, index) => (index % 10 === 0 ? 1 : 0));
  const { train, validation } = splitDataset(labels, { validation: 0.25, seed: 3 });
  const of = (indices: Uint32Array): number[] => Array.from(indices, (index) => labels[index] ?? -1);
  expect(count(of(validation), 0)).toBe(45);
  expect(count(of(validation), 1)).toBe(5);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual(labels.map((_, index) => index));
});

it('splitDataset() is the same for a seed and another for another', () => {
  const labels = Array.from({ length: 100 }, () => 0);
  const split = (seed: number): number[] => [...splitDataset(labels, { validation: 0.2, seed }).validation];
  expect(split(1)).toEqual(split(1));
  expect(split(1)).not.toEqual(split(2));
});

it('splitDataset() never parts a group and never holds out all of a class', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ label: fc.nat(3), group: fc.nat(15) }), { minLength: 1, maxLength: 80 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.nat(1000),
      (samples, validation, seed) => {
        const groups = samples.map(({ group }) => group);
        // A group belongs to one class here, as a track shows one sign.
        const labels = groups.map((group) => group % 4);
        const split = splitDataset(labels, { validation, seed, groups });
        expect([...split.train, ...split.validation].sort((a, b) => a - b)).toEqual(
          labels.map((_, at) => at),
        );
        const held = new Set(Array.from(split.validation, (index) => groups[index]));
        for (const index of split.train) expect(held.has(groups[index])).toBe(false);
        for (const label of new Set(labels)) {
          const inTraining = Array.from(split.train).some((index) => labels[index] === label);
          expect(inTraining).toBe(true);
          // No further from the share than one group.
          const largest = Math.max(...groups.map((group) => count(groups, group)));
          const taken = Array.from(split.validation).filter((index) => labels[index] === label).length;
          expect(taken - validation * count(labels, label)).toBeLessThanOrEqual(largest);
        }
      },
    ),
    { numRuns: 100 },
  );
});

it('splitDataset() keeps near-duplicates together even when a group has several classes', () => {
  const { train, validation } = splitDataset([0, 1, 0, 1], {
    validation: 0.5,
    seed: 1,
    groups: [5, 5, 6, 6],
  });
  expect([[...train], [...validation]].map((side) => side.join())).toEqual(
    expect.arrayContaining(['0,1', '2,3']),
  );
});

describe('splitDataset() refuses', () => {
  it('a share beyond a half', () => {
    expect(() => splitDataset([0, 0], { validation: 0.7, seed: 1 })).toThrow(
      'the share held out is 0.7, not 0 to 0.5',
    );
  });
  it('groups of another number', () => {
    expect(() => splitDataset([0, 0], { validation: 0.5, seed: 1, groups: [1] })).toThrow(
      '1 groups for 2 samples',
    );
  });
});
