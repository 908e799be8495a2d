import { describe, expect, test } from 'vitest';
import { mergeRequest, planRequest } from '../../../shared/jobs.ts';
import { allOf, contains, label, maxTasks, meets, members, single } from '../../../gpu-runner/mtz/taskSet.ts';

describe('taskSet', () => {
  test('members() are the tasks that made the set, up to the limit', () => {
    expect(members(single(0) | single(3))).toEqual([0, 3]);
    expect(members(allOf(maxTasks))).toHaveLength(maxTasks);
    expect(allOf(maxTasks)).toBeGreaterThan(0);
    expect(members(0)).toEqual([]);
  });

  test('a merge is not asked of more networks than a set of tasks can hold', () => {
    const asked = (networks: number): boolean => {
      const source = { task: 'digit', model: 'digit', data: 'digits' };
      const retraining = { stepsPerLayer: 0, finalSteps: 0, batchSize: 8, learningRate: 0.01 };
      const sources = Array.from({ length: networks }, () => source);
      const recipe = { wiring: 'one-way', retraining };
      const request = { name: 'many', sources, recipe };
      return mergeRequest.safeParse(request).success && planRequest.safeParse({ sources, recipe }).success;
    };
    expect([2, maxTasks, maxTasks + 1].map(asked)).toEqual([true, true, false]);
  });

  test('contains() and meets() are superset and overlap', () => {
    expect(contains(0b111, 0b101)).toBe(true);
    expect(contains(0b101, 0b111)).toBe(false);
    expect(contains(0b1, 0)).toBe(true);
    expect(meets(0b110, 0b011)).toBe(true);
    expect(meets(0b100, 0b011)).toBe(false);
  });

  test('label() joins the names in the order of the tasks', () => {
    expect(label(0b101, ['digit', 'fashion', 'letter'])).toBe('digit+letter');
  });
});
