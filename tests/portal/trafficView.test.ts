import { describe, expect, it } from 'vitest';
import { resolutions, trafficQuery, trafficSpan, type EndpointTraffic } from '../../shared/traffic.ts';
import {
  errorRate,
  errorsText,
  formatMoment,
  latencyText,
  linesOf,
  ranges,
  refusedOf,
  startOf,
} from '../../workers/portal/src/pages/operations/trafficView.ts';

const now = new Date('2026-11-26T14:23:45.000Z');
const figures = {
  requests: 10,
  samples: 20,
  errors: { unavailable: 2 },
  latencyMs: { p50: 2, p95: 5, p99: 9 },
};
const trafficOf = (points: EndpointTraffic['points'], range = ranges[0]): EndpointTraffic => {
  if (!range) throw new Error('there is no range');
  const { resolution } = range;
  const span = trafficSpan(trafficQuery.parse({ from: startOf(range, now.getTime()), resolution }), now);
  return { endpoint: 'shop', ...span, points, total: figures };
};

describe('linesOf()', () => {
  it.each(ranges)('has a point for each of the $points of the $label, with or without requests', (range) => {
    const { answered, refused, p50, p95 } = linesOf(trafficOf([], range), range.unitMs);
    expect([answered, refused, p50, p95].map(({ length }) => length)).toEqual(Array(4).fill(range.points));
    expect(answered.every(({ y }) => y === 0)).toBe(true);
    expect(p50.every(({ y }) => y === null)).toBe(true);
  });

  it('puts what came at its time, counted from local midnight, and tells what was refused apart', () => {
    const at = '2026-11-26T14:10:00.000Z';
    const lines = linesOf(trafficOf([{ at, ...figures }]), resolutions.minute);
    const x = (Date.parse(at) - lines.originMs) / resolutions.minute;
    expect(new Date(lines.originMs).getHours()).toBe(0);
    const here = (points: typeof lines.p50) => points.filter(({ y }) => y !== null && y > 0);
    expect(here(lines.answered)).toEqual([{ x, y: 8 }]);
    expect(here(lines.refused)).toEqual([{ x, y: 2 }]);
    expect(here(lines.p50)).toEqual([{ x, y: 2 }]);
    expect(here(lines.p95)).toEqual([{ x, y: 5 }]);
  });
});

it('formatMoment() tells the time of a day, and the day where there are several', () => {
  const local = new Date(2026, 10, 26, 14, 20).getTime();
  expect(formatMoment(local, resolutions.minute)).toBe('14:20');
  expect(formatMoment(local, resolutions.day)).toBe('Thu 14:20');
  expect(formatMoment(new Date(2026, 10, 26).getTime(), resolutions.day)).toBe('Thu 26');
});

it('figures are told with what they are made of', () => {
  const errors = { invalid: 1, unavailable: 1200 };
  expect(refusedOf({ errors })).toBe(1201);
  expect(errorsText(errors)).toBe('unavailable 1,200, invalid 1');
  expect(errorsText({})).toBe('');
  expect([errorRate(figures), errorRate({ requests: 0, errors: {} })]).toEqual(['20.00\u00a0%', '0']);
  expect(errorRate({ requests: 1_000_000, errors: { internal: 1 } })).toBe('< 0.01\u00a0%');
  expect(latencyText(figures, 'p95')).toBe('5.00\u00a0ms');
  expect(latencyText({ ...figures, latencyMs: null }, 'p95')).toBe('–');
});
