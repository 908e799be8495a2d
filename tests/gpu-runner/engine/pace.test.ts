import { describe, expect, it } from 'vitest';
import { followPace } from '../../../gpu-runner/engine/pace.ts';

describe('followPace()', () => {
  it('counts only the last steps: a slow start is forgotten, and the end is foretold by the present', () => {
    const follow = followPace(1000, 0);
    expect(follow(1, [1], 10_000)).toMatchObject({ stepsPerSecond: 0.1, etaMs: 9_990_000 });
    let last = follow(2, [1], 10_100);
    for (let step = 3; step <= 60; step += 1) last = follow(step, [1], 10_000 + (step - 1) * 100);
    expect(last.stepsPerSecond).toBeCloseTo(10, 9);
    expect(last.etaMs).toBeCloseTo(94_000, 6);
  });

  it('counts steps of this process only when a run resumes', () => {
    expect(followPace(100, 500)(91, [1], 1500)).toMatchObject({ stepsPerSecond: 1, etaMs: 9000 });
  });

  it('smooths losses without a bias towards 0 at the start', () => {
    const follow = followPace(10, 0);
    expect(follow(1, [3, 5], 1).smoothed.map((value) => value.toFixed(9))).toEqual([
      '3.000000000',
      '5.000000000',
    ]);
    const [first = NaN] = follow(2, [1, 5], 2).smoothed;
    expect(first).toBeCloseTo((0.95 * 3 + 1) / 1.95, 12);
    for (let step = 3; step < 300; step += 1) follow(step, [2, 5], step);
    expect(follow(300, [2, 5], 300).smoothed[0]).toBeCloseTo(2, 4);
  });

  it('stays finite on a clock that stands still', () => {
    expect(Number.isFinite(followPace(2, 7)(1, [1], 7).stepsPerSecond)).toBe(true);
  });
});
