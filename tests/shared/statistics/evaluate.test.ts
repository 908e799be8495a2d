import { expect, test } from 'vitest';
import { evaluate } from '../../../shared/statistics/evaluate.ts';
import { digest, experimentOf } from '../experiments.ts';
import { armTotals, hitsOf } from './totals.ts';

const two = { arms: { separate: armTotals(), merged: armTotals() }, multipleUnits: 0 };

test('evaluate() compares every task, guardrail and cost of the candidate with the default arm', () => {
  const evaluation = evaluate(experimentOf(), two);
  expect(evaluation.comparisons.map(({ arm, task }) => [arm, task])).toEqual([
    ['merged', 'digit'],
    ['merged', 'clothing'],
  ]);
  expect(evaluation.guardrails.map(({ arm, guardrail }) => [arm, guardrail.kind])).toEqual([
    ['merged', 'errors'],
    ['merged', 'latency'],
    ['merged', 'accuracy'],
  ]);
  expect(evaluation.costs.map(({ cost }) => cost)).toEqual(['latencyMs']);
  expect(evaluation.sampleRatio.alarm).toBe(false);
  expect(Object.keys(evaluation.missing)).toEqual(['digit', 'clothing']);
});

test('the difference is candidate minus default, inside its interval and its bounds', () => {
  const merged = armTotals({ tasks: { digit: hitsOf(880, 1000), clothing: hitsOf(920, 1000) } });
  const evaluation = evaluate(experimentOf(), { ...two, arms: { ...two.arms, merged } });
  const [digit, clothing] = evaluation.comparisons;
  expect(digit?.contrast.value).toBeCloseTo(-0.02, 12);
  expect(clothing?.contrast.value).toBeCloseTo(0.02, 12);
  expect(digit?.interval.low).toBeLessThan(digit?.bounds.low ?? NaN);
  expect(digit?.bounds.low).toBeLessThan(-0.02);
  expect(digit?.unitsStillNeeded).toBe(Infinity);
  expect(clothing?.unitsStillNeeded).toBeGreaterThan(0);
  expect(clothing?.unitsStillNeeded).toBeLessThan(10_000);
});

test('more tasks and arms share alpha, so each interval is wider', () => {
  const width = (experiment: Parameters<typeof evaluate>[0], arms: string[]): number => {
    const totals = Object.fromEntries(arms.map((name) => [name, armTotals({ units: 5000 })]));
    const [first] = evaluate(experiment, { arms: totals, multipleUnits: 0 }).comparisons;
    return (first?.interval.high ?? NaN) - (first?.interval.low ?? NaN);
  };
  const oneTask = experimentOf({
    arms: [
      { name: 'separate', weight: 5000, tasks: { digit: digest('a') } },
      { name: 'merged', weight: 5000, tasks: { digit: digest('c') } },
    ],
    margins: { digit: 0.02 },
  });
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  const threeArms = experimentOf({
    arms: [separate, { ...merged, weight: 2500 }, { ...merged, name: 'small', weight: 2500 }],
  });
  const widths = [
    width(oneTask, ['separate', 'merged']),
    width(experimentOf(), ['separate', 'merged']),
    width(threeArms, ['separate', 'merged', 'small']),
  ];
  expect(widths).toEqual(widths.toSorted((a, b) => a - b));
  expect(new Set(widths).size).toBe(3);
});

test('guardrails share an alpha of their own: more of them are each slower to break', () => {
  const atLeast = (change: Parameters<typeof experimentOf>[0]): number =>
    evaluate(experimentOf(change), two).guardrails[0]?.atLeast ?? NaN;
  const one = atLeast({ guardrails: [{ kind: 'errors', maxIncrease: 0.01 }] });
  expect(atLeast({})).toBeLessThan(one);
  expect(atLeast({ guardrails: [{ kind: 'errors', maxIncrease: 0.01 }], plannedUnits: 5000 })).toBe(one);
});

test('the sample ratio is that of the slots in use in the current phase', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  const uneven = experimentOf({
    arms: [
      { ...separate, weight: 9000 },
      { ...merged, weight: 1000 },
    ],
    coverage: 0.1,
  });
  const ratio = (a: number, b: number): boolean =>
    evaluate(uneven, {
      arms: { separate: armTotals({ phaseUnits: a }), merged: armTotals({ phaseUnits: b }) },
      multipleUnits: 0,
    }).sampleRatio.alarm;
  expect(ratio(900, 100)).toBe(false);
  expect(ratio(500, 500)).toBe(true);
});

test('an arm without slots is not compared, and its units are a mismatch', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  const dark = experimentOf({ arms: [separate, merged, { ...merged, name: 'dark', weight: 0 }] });
  const none = armTotals({ units: 0, phaseUnits: 0 });
  const quiet = evaluate(dark, { ...two, arms: { ...two.arms, dark: none } });
  expect(quiet.comparisons.some(({ arm }) => arm === 'dark')).toBe(false);
  expect(quiet.sampleRatio.alarm).toBe(false);
  const loud = evaluate(dark, { ...two, arms: { ...two.arms, dark: armTotals({ units: 1 }) } });
  expect(loud.sampleRatio.alarm).toBe(true);
});

test('costs are relative to the default arm and only those it measured', () => {
  const cost = (x: number) => ({
    units: 1000,
    x: 1000 * x,
    y: 1000,
    xx: 1000 * x * x * 1.1,
    xy: 1000 * x,
    yy: 1000,
  });
  const arms = {
    separate: armTotals({ costs: { bytes: cost(200) } }),
    merged: armTotals({ costs: { bytes: cost(120), heap: cost(1) } }),
  };
  const bytes = evaluate(experimentOf(), { arms, multipleUnits: 0 }).costs.find(
    (one) => one.cost === 'bytes',
  );
  expect(bytes?.lift.value).toBeCloseTo(-0.4, 12);
  expect(bytes?.interval.low).toBeLessThan(-0.4);
  expect(bytes?.interval.high).toBeGreaterThan(-0.4);
  expect(bytes?.interval.high).toBeLessThan(0);
  const all = evaluate(experimentOf(), { arms, multipleUnits: 0 }).costs.map((one) => one.cost);
  expect(all).toEqual(['latencyMs', 'bytes']);
});

test('evaluate() of an experiment that has just begun knows nothing and throws nothing', () => {
  const none = armTotals({ units: 0 });
  const evaluation = evaluate(experimentOf({ coverage: 0 }), {
    arms: { separate: none, merged: none },
    multipleUnits: 0,
  });
  expect(evaluation.comparisons.map((one) => one.verdict)).toEqual(['undecided', 'undecided']);
  expect(evaluation.guardrails.some((one) => one.breached)).toBe(false);
  expect(evaluation.sampleRatio.alarm).toBe(false);
});

test('outcomes that came between two counts do no harm', () => {
  const merged = armTotals({ tasks: { digit: hitsOf(900, 1001), clothing: hitsOf(900, 1000) } });
  const evaluation = evaluate(experimentOf(), { ...two, arms: { ...two.arms, merged } });
  expect(evaluation.missing.digit?.alarm).toBe(false);
});

test('evaluate() refuses totals that lack an arm', () => {
  expect(() => evaluate(experimentOf(), { arms: { separate: armTotals() }, multipleUnits: 0 })).toThrow(
    'arm "merged" has no totals',
  );
});
