import { describe, expect, it } from 'vitest';
import { experimentRequest } from '../../shared/experiment-api.ts';
import { experimentReport } from '../../shared/experiment-report.ts';
import { experiment, experimentStates, transitions } from '../../shared/experiment.ts';
import { extent, nearest, thinned } from '../../workers/portal/src/charts/extent.ts';
import {
  checkExperiment,
  emptyExperiment,
  experimentOf,
} from '../../workers/portal/src/pages/experiments/experimentForm.ts';
import {
  courseOf,
  doubts,
  formatFactor,
  formatPoints,
  intervalRows,
  movesOf,
  splitRows,
} from '../../workers/portal/src/pages/experiments/experimentView.ts';
import { experimentReport as fixture } from './workFixtures.ts';

const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
const endpoint = { name: 'shop', tasks: { digit: one, fashion: one } };

describe('the form of an experiment', () => {
  const form = { ...emptyExperiment, name: 'try' };
  const candidate = { name: 'both', tasks: { digit: other } };

  it('asks for what the service takes: arms of the same tasks, slots that add up', () => {
    const asked = experimentRequest.parse(experimentOf({ ...form, share: '33.3' }, endpoint, candidate));
    expect(asked.arms).toEqual([
      { name: 'current', weight: 6670, tasks: { digit: one, fashion: one } },
      { name: 'both', weight: 3330, tasks: { digit: other, fashion: one } },
    ]);
    // The cross-checks of a saved experiment hold too.
    expect(
      experiment.safeParse({
        ...{
          ...asked,
          experiment: 'try',
          revision: 1,
          version: 1,
          state: 'draft',
          phases: [],
          decision: null,
        },
        coverage: asked.coverage ?? 1,
      }).error,
    ).toBeUndefined();
  });

  it('turns points and percent into fractions, and leaves out what is empty', () => {
    const asked = experimentOf(
      { ...form, margin: '2', margins: { fashion: '0.5' }, maxErrors: '', maxSlower: '10', guarded: false },
      endpoint,
      candidate,
    );
    expect(asked.margins).toEqual({ digit: 0.02, fashion: 0.005 });
    expect(asked.guardrails).toEqual([
      { kind: 'latency', maxIncrease: 0.1 },
      { kind: 'accuracy', task: 'digit', maxDrop: 0.05 },
    ]);
    expect(asked.ramp?.steps).toEqual([1]);
  });

  it('says what is wrong, by field', () => {
    expect(checkExperiment(form)).toEqual({});
    const wrong = {
      ...form,
      name: '',
      share: '0',
      unitName: 'a b',
      margins: { digit: 'x' },
      plannedUnits: '3',
    };
    expect(Object.keys(checkExperiment(wrong)).toSorted()).toEqual(
      ['margin', 'name', 'plannedUnits', 'share', 'unitName'].toSorted(),
    );
  });
});

describe('an experiment on the page', () => {
  it('is drawn from a report as the service answers it', () => {
    expect(experimentReport.parse(fixture)).toEqual(fixture);
    expect(intervalRows(fixture)[0]).toMatchObject({ label: 'digit: both', margin: 0.01, tone: 'good' });
  });

  it('has a course against the units of all arms; infinite ends stay unknown', () => {
    const { points, band } = courseOf(fixture, 'both', 'fashion');
    expect(points.map(({ x }) => x)).toEqual(
      fixture.curve.map(({ units }) => (units.current ?? 0) + (units.both ?? 0)),
    );
    expect(band[0]).toEqual({ x: 120, low: null, high: null });
    expect(courseOf(fixture, 'nobody', 'fashion').points).toEqual([]);
  });

  it('holds the split against the weights', () => {
    const arms = [
      { name: 'current', weight: 7500 },
      { name: 'both', weight: 2500 },
    ];
    expect(splitRows({ units: { current: 30, both: 10 } }, arms)).toEqual([
      { arm: 'current', units: 30, share: 0.75, designed: 0.75 },
      { arm: 'both', units: 10, share: 0.25, designed: 0.25 },
    ]);
    expect(splitRows({ units: {} }, arms)[0]?.share).toBeNull();
  });

  it('tells every alarm, and nothing where there is none', () => {
    const phase = {
      phase: 2,
      coverage: 1,
      startedAt: '',
      endedAt: null,
      units: {},
      pValue: 0.0004,
      alarm: true,
    };
    expect(
      doubts({
        phases: [phase],
        multipleExposure: { units: 3, share: 0.1, alarm: true },
        missingOutcomes: { a: { pValue: 0.001, alarm: true } },
      }),
    ).toHaveLength(3);
    expect(
      doubts({
        phases: [{ ...phase, alarm: false }],
        multipleExposure: { units: 0, share: 0, alarm: false },
        missingOutcomes: {},
      }),
    ).toEqual([]);
  });

  it('offers what the states allow', () => {
    for (const state of experimentStates) {
      const moves = movesOf(state);
      expect(Object.values(moves).filter(Boolean)).toHaveLength(transitions[state].length);
    }
  });

  it('writes differences with a sign and changes as factors', () => {
    expect([0.0058, -0.0022, -0.000001].map((value) => formatPoints(value))).toEqual([
      '+0.58',
      '−0.22',
      '0.00',
    ]);
    expect(formatFactor(-0.452)).toBe('× 0.548');
  });
});

describe('the axes of charts', () => {
  it('hold all finite values, never nothing', () => {
    expect(extent([3, null, Infinity, 1], 0)).toEqual([1, 3]);
    const [low, high] = extent([5]);
    expect(low).toBeLessThan(5);
    expect(high).toBeGreaterThan(5);
    expect(extent([])).toEqual([0, 1]);
  });

  it('keep the ends of what is thinned, and find what is nearest', () => {
    const many = Array.from({ length: 1000 }, (_, x) => ({ x }));
    const few = thinned(many, 50);
    expect([few.length, few[0]?.x, few.at(-1)?.x]).toEqual([50, 0, 999]);
    expect(thinned(few, 100)).toEqual(few);
    expect(nearest(many, 41.4)?.x).toBe(41);
    expect(nearest([{ x: 1 }, { x: 2, y: 'undone' }, { x: 2, y: 'kept' }], 2)).toHaveProperty('y', 'kept');
    expect(nearest<{ x: number }>([], 1)).toBeUndefined();
  });
});
