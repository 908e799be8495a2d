import { expect, test } from 'vitest';
import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Experiment, ExperimentInput } from '../../../shared/experiment.ts';
import { decide, type Action } from '../../../shared/statistics/decide.ts';
import { evaluate } from '../../../shared/statistics/evaluate.ts';
import type { ArmTotals } from '../../../shared/statistics/totals.ts';
import { experimentOf } from '../experiments.ts';
import { SimulatedArm, type Behaviour } from './simulate.ts';
import { armTotals, hitsOf, latenciesOf } from './totals.ts';

const units = 20_000;
const good = armTotals({ units });

function action(
  change: Partial<ExperimentInput>,
  merged: Partial<ArmTotals> = {},
  multipleUnits = 0,
): Action {
  const experiment = experimentOf(change);
  const arms = { separate: good, merged: armTotals({ units, ...merged }) };
  return decide(experiment, evaluate(experiment, { arms, multipleUnits }));
}

test('an arm that is as good on every task ships at the end of the ramp', () => {
  expect(action({ coverage: 1 })).toMatchObject({ kind: 'ship', arm: 'merged' });
  expect(action({ coverage: 1 }).reason).toMatch(
    /^Arm merged is not inferior to separate on digit \(at most 0\.96 % worse, margin 2 %\) and clothing/,
  );
});

test('a healthy experiment climbs the ramp step by step, however good its numbers are', () => {
  const steps = [0.01, 0.05, 0.1, 0.25, 0.5, 1];
  for (const [i, coverage] of steps.slice(0, -1).entries()) {
    expect(action({ coverage })).toMatchObject({ kind: 'advance', coverage: steps[i + 1] });
  }
  expect(action({ coverage: 0.05, ramp: { steps: [0.05], minUnits: 100 } }).kind).toBe('ship');
});

test('a breached guardrail rolls back and says which, by how much and after how many units', () => {
  expect(action({}, { errors: hitsOf(2000, units) })).toEqual({
    kind: 'roll-back',
    reason: expect.stringMatching(
      /^Guardrail breached: arm merged has at least 8\.\d+ % more errors than separate, 1 % is allowed \(40000 units measured\)\.$/,
    ) as string,
  });
  expect(action({}, { latencyMs: latenciesOf(20, units) }).reason).toContain('more latency than separate');
  const tasks = { digit: hitsOf(16_000, units), clothing: hitsOf(18_000, units) };
  expect(action({}, { tasks }).reason).toContain('less accuracy on digit than separate');
});

test('harm rolls back even while the numbers are in doubt', () => {
  const merged = { errors: hitsOf(2000, units), phaseUnits: 5000 };
  expect(action({}, merged).kind).toBe('roll-back');
});

test('a mismatch, units in several arms and lost outcomes hold', () => {
  expect(action({}, { phaseUnits: 18_000 })).toMatchObject({ kind: 'hold' });
  expect(action({}, { phaseUnits: 18_000 }).reason).toContain('Sample-ratio mismatch');
  expect(action({}, {}, 1000).reason).toBe('Multiple exposure: 1000 units (2.44 %) met more than one arm.');
  const tasks = { digit: hitsOf(13_500, 15_000), clothing: hitsOf(18_000, units) };
  const separate = { ...good, tasks: { ...good.tasks, digit: hitsOf(15_300, 17_000) } };
  const experiment = experimentOf();
  const lost = decide(
    experiment,
    evaluate(experiment, { arms: { separate, merged: armTotals({ units, tasks }) }, multipleUnits: 0 }),
  );
  expect(lost.kind).toBe('hold');
  expect(lost.reason).toContain('outcomes of digit get lost in one arm more than another');
});

test('a step waits for its units, and holds while they have no outcomes or nothing for a guardrail to watch', () => {
  const small = (change: Partial<ArmTotals> = {}): Action => {
    const experiment = experimentOf({ coverage: 0.01 });
    const arm = armTotals({ units: 400, ...change });
    return decide(
      experiment,
      evaluate(experiment, { arms: { separate: arm, merged: arm }, multipleUnits: 0 }),
    );
  };
  expect(small()).toMatchObject({ kind: 'advance', coverage: 0.05 });
  expect(small({ phaseUnits: 99 })).toEqual({
    kind: 'keep-running',
    reason: 'Arm separate has 99 new units at this coverage, 100 are needed.',
  });
  expect(small({ tasks: { digit: hitsOf(80, 99), clothing: hitsOf(300, 400) } })).toEqual({
    kind: 'hold',
    reason: 'Missing data: 99 units of arm separate have an outcome of digit, 100 are needed.',
  });
  expect(small({ latencyMs: latenciesOf(10, 50) }).reason).toContain(
    '50 units of arm separate have a latency',
  );
  expect(small({ errors: hitsOf(0, 50) }).reason).toContain('have an error count');
});

test('an experiment that cannot be won is rolled back, one that is open goes on and says what it needs', () => {
  const tasks = { digit: good.tasks.digit ?? hitsOf(0, 0), clothing: hitsOf(16_800, units) };
  expect(action({}, { tasks })).toMatchObject({ kind: 'roll-back' });
  expect(action({}, { tasks }).reason).toMatch(
    /^Arm merged is worse than separate on clothing by at least 4\.\d+ %, more than the margin of 2 %\.$/,
  );
  const open = { digit: hitsOf(17_720, units), clothing: hitsOf(18_000, units) };
  expect(action({}, { tasks: open })).toMatchObject({ kind: 'keep-running' });
  expect(action({}, { tasks: open }).reason).toMatch(
    /^Undecided: digit of arm merged needs about \d+ more units\.$/,
  );
  const edge = { digit: hitsOf(17_600, units), clothing: hitsOf(18_000, units) };
  expect(action({ guardrails: [] }, { tasks: edge }).reason).toContain(
    'digit of arm merged lies at or beyond',
  );
});

test('of several arms that are as good the fastest ships, and a lost one does not stop it', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  const experiment = experimentOf({
    arms: [
      { ...separate, weight: 2500 },
      { ...merged, weight: 2500 },
      { ...merged, name: 'small', weight: 2500 },
      { ...merged, name: 'tiny', weight: 2500 },
    ],
    guardrails: [],
  });
  const arms = {
    separate: good,
    merged: good,
    small: armTotals({ units, latencyMs: latenciesOf(6, units) }),
    tiny: armTotals({
      units,
      latencyMs: latenciesOf(3, units),
      tasks: { digit: hitsOf(10_000, units), clothing: hitsOf(18_000, units) },
    }),
  };
  const result = decide(experiment, evaluate(experiment, { arms, multipleUnits: 0 }));
  expect(result).toMatchObject({ kind: 'ship', arm: 'small' });
});

test('an experiment that does not run is held', () => {
  expect(action({ state: 'paused' })).toEqual({ kind: 'hold', reason: 'The experiment is paused.' });
});

/** Decides every 100 units an arm, as the schedule does, until the experiment ends or `most` units an arm are spent. */
function play(behaviours: { separate: Behaviour; merged: Behaviour }, seed: number, most: number) {
  const arms = {
    separate: new SimulatedArm(behaviours.separate, new Random(seed, 0)),
    merged: new SimulatedArm(behaviours.merged, new Random(seed, 1)),
  };
  let experiment: Experiment = experimentOf({ coverage: 0.01, margins: { digit: 0.05, clothing: 0.05 } });
  let spent = 0;
  while (spent < most) {
    for (const arm of Object.values(arms)) arm.gain(100);
    spent += 100;
    const totals = { separate: arms.separate.totals(), merged: arms.merged.totals() };
    const next = decide(experiment, evaluate(experiment, { arms: totals, multipleUnits: 0 }));
    if (next.kind === 'ship' || next.kind === 'roll-back')
      return { kind: next.kind, units: spent, reason: next.reason };
    if (next.kind === 'advance') {
      experiment = { ...experiment, coverage: next.coverage };
      for (const arm of Object.values(arms)) arm.nextPhase();
    }
  }
  return { kind: 'open' as const, units: spent, reason: '' };
}

test('played through: an equal arm climbs and ships, a damaged one is rolled back within a few hundred units', () => {
  const equal: Behaviour = { tasks: { digit: 0.95, clothing: 0.9 }, errors: 0.002, latencyMs: 10 };
  const damaged: Behaviour = { ...equal, tasks: { digit: 0.6, clothing: 0.9 } };
  for (let seed = 0; seed < 20; seed++) {
    const shipped = play({ separate: equal, merged: equal }, seed, 20_000);
    expect(shipped.kind).toBe('ship');
    const stopped = play({ separate: equal, merged: damaged }, seed, 20_000);
    expect(stopped.kind).toBe('roll-back');
    expect(stopped.reason).toContain('on digit');
    expect(stopped.units).toBeLessThanOrEqual(500);
  }
});
