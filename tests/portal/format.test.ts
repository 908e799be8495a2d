import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDims,
  formatDuration,
  formatPercent,
  formatPlural,
  formatTime,
  formatUtc,
} from '../../workers/portal/src/ui/format.ts';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1.00 kB'],
    [6_940_000, '6.94 MB'],
    [999_999, '1.00 MB'],
    [12_345_678_901, '12.3 GB'],
  ])('formatBytes(%d) is %s', (bytes, text) => expect(plain(formatBytes(bytes))).toBe(text));

  it.each([
    [431, '431'],
    [61_700, '61.7 k'],
    [7_260_000, '7.26 M'],
  ])('formatCount(%d) is %s', (count, text) => expect(plain(formatCount(count))).toBe(text));

  it.each([
    [0.82, '0.82 ms'],
    [5400, '5.4 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
  ])('formatDuration(%d) is %s', (ms, text) => expect(plain(formatDuration(ms))).toBe(text));

  it('shares, plurals and dims', () => {
    expect(plain(formatPercent(0.989))).toBe('98.90 %');
    expect(formatPlural(1, 'channel')).toBe('1 channel');
    expect(formatPlural(1234, 'channel')).toBe('1,234 channels');
    expect(formatDims([-1, 3, 224, 224])).toBe('N × 3 × 224 × 224');
    expect(formatDims([])).toBe('scalar');
  });

  it('times are relative within a week, and UTC beside them', () => {
    const now = Date.parse('2026-11-26T12:00:00Z');
    expect(formatTime('2026-11-26T11:57:00Z', now)).toBe('3 minutes ago');
    expect(formatTime('2026-11-26T11:59:55Z', now)).toBe('just now');
    expect(formatTime('2026-11-25T11:00:00Z', now)).toBe('yesterday');
    expect(formatTime('2026-01-02T03:04:05Z', now)).toMatch(/2 Jan 2026/);
    expect(formatUtc('2026-11-25T14:03:22.123Z')).toBe('2026-11-25 14:03:22 UTC');
  });
});
