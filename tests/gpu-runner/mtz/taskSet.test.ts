import { describe, expect, test } from 'vitest';
import { allOf, contains, label, maxTasks, meets, members, single } from '../../../gpu-runner/mtz/taskSet.ts';

describe('taskSet', () => {
  test('members() are the tasks that made the set, up to the limit', () => {
    expect(members(single(0) | single(3))).toEqual([0, 3]);
    expect(members(allOf(maxTasks))).toHaveLength(maxTasks);
    expect(allOf(maxTasks)).toBeGreaterThan(0);
    expect(members(0)).toEqual([]);
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
