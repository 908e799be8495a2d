import { describe, expect, it } from 'vitest';
import { layersOf } from '../../gpu-runner/runner/work/layersOf.ts';
import { lanesOf } from '../../workers/portal/src/pages/models/lanes.ts';
import { everyNet } from '../gpu-runner/mtz/nets/all.ts';

describe('lanesOf()', () => {
  it('a chain is one lane', () => {
    const { rows, lanes } = lanesOf([[-1], [0], [1]]);
    expect(lanes).toBe(1);
    expect(rows.map(({ lane, continues }) => [lane, continues])).toEqual([
      [0, true],
      [0, true],
      [0, false],
    ]);
  });

  it('a skipped connection runs past what it skips and joins where it is added', () => {
    // 0 is read by 1 and again by 3 (an addition).
    const { rows, lanes } = lanesOf([[-1], [0], [1], [2, 0]]);
    expect(lanes).toBe(2);
    expect(rows[1]).toEqual({ lane: 1, passing: [0], reads: [0], continues: true });
    expect(rows[2]).toEqual({ lane: 1, passing: [0], reads: [1], continues: true });
    expect(rows[3]).toEqual({ lane: 0, passing: [], reads: [1, 0], continues: false });
  });

  it.each(Object.entries(everyNet))(
    '%s: no two values are in one lane at once, and nothing is read from nowhere',
    (_, build) => {
      const layers = layersOf(build(1), new Map()) ?? [];
      const { rows } = lanesOf(layers.map(({ from }) => from));
      let alive = new Set([0]);
      for (const [place, row] of rows.entries()) {
        for (const lane of row.reads) expect(alive.has(lane)).toBe(true);
        for (const lane of row.passing) expect(alive.has(lane)).toBe(true);
        if (row.continues) expect(row.passing).not.toContain(row.lane);
        expect(row.reads.length).toBe(layers[place]?.from.length);
        alive = new Set([...row.passing, ...(row.continues ? [row.lane] : [])]);
      }
      expect(alive.size).toBe(0);
    },
  );
});
