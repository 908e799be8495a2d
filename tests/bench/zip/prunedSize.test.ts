import { describe, expect, test } from 'vitest';
import { buildNet } from '../../../bench/zip/nets.ts';
import { keptWithin, sizeWith } from '../../../bench/zip/prunedSize.ts';
import { countMacs } from '../../../gpu-runner/mtz/count.ts';

const graph = buildNet({ kind: 'vgg-11', widths: [4, 6, 8, 8], normalised: true }, 3, 5);
const residual = buildNet({ kind: 'residual', widths: [4, 6], blocks: 1, stemStride: 2 }, 3, 1);

describe('sizeWith()', () => {
  test('counts a network that loses nothing as it is', () => {
    expect(sizeWith(graph, new Map()).macs).toBe(countMacs(graph));
    expect(sizeWith(residual, new Map()).macs).toBe(countMacs(residual));
    expect(sizeWith(residual, new Map(), 'per-task').macs).toBe(countMacs(residual));
  });

  test('takes off the rows of what goes and the columns that read it', () => {
    const [all, some] = [sizeWith(graph, new Map()), sizeWith(graph, new Map([['conv1', 3]]))];
    expect(all.parameters - some.parameters).toBe(3 * 9 + 1 + 6 * 9);
  });

  test('counts a residual network as it is counted by hand', () => {
    // What is left: 3 of 4 channels of the first stream, 5 of 6 of the second, 2 of 4 and 6 of 6 within the blocks.
    const kept = new Map([
      ['stem', 3],
      ['stage0.block0.a', 2],
      ['stage1.block0.b', 5],
    ]);
    const weights = [
      { rows: 3, columns: 3 * 9, positions: 16 * 16 },
      { rows: 2, columns: 3 * 9, positions: 16 * 16 },
      { rows: 3, columns: 2 * 9, positions: 16 * 16 },
      { rows: 6, columns: 3 * 9, positions: 8 * 8 },
      { rows: 5, columns: 6 * 9, positions: 8 * 8 },
      { rows: 5, columns: 3, positions: 8 * 8 },
      { rows: 3, columns: 5, positions: 1 },
    ];
    const channels = weights.reduce((sum, { rows }) => sum + rows, 0);
    const parameters = weights.reduce((sum, { rows, columns }) => sum + rows * columns, channels);
    const macs = weights.reduce((sum, { rows, columns, positions }) => sum + rows * columns * positions, 0);
    expect(sizeWith(residual, kept)).toEqual({ parameters, macs });
    // A scale and a shift for every channel but the answers.
    expect(sizeWith(residual, kept, 'per-task')).toEqual({
      parameters: parameters + 2 * (channels - 3),
      macs,
    });
  });
});

describe('keptWithin()', () => {
  test('leaves as many channels as the budget allows, the same fraction of every layer', () => {
    const kept = keptWithin(graph, { of: 'macs', atMost: 0.6 }, () => true);
    expect(kept.get('conv1')).toBe(2);
    expect(kept.has('dense')).toBe(false);
    const ratio = sizeWith(graph, kept).macs / countMacs(graph);
    expect(ratio).toBeGreaterThan(0.35);
    expect(ratio).toBeLessThanOrEqual(0.6);
  });

  test('leaves the same fraction of residual streams and of what is within the blocks', () => {
    const kept = keptWithin(residual, { of: 'parameters', atMost: 0.5 }, () => true, 'per-task');
    expect([...kept]).toEqual([
      ['stem', 2],
      ['stage0.block0.a', 2],
      ['stage1.block0.a', 4],
      ['stage1.block0.b', 4],
    ]);
    const [left, all] = [kept, new Map()].map((some) => sizeWith(residual, some, 'per-task').parameters);
    expect(left).toBeLessThanOrEqual(0.5 * (all ?? 0));
  });

  test('refuses what the other layers alone are above', () => {
    expect(() => keptWithin(graph, { of: 'parameters', atMost: 0.5 }, (channels) => channels === 4)).toThrow(
      'Cannot leave 50 % of the parameters: other layers have more',
    );
  });
});
