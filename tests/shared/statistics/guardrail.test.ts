import { expect, test } from 'vitest';
import { testGuardrail } from '../../../shared/statistics/guardrail.ts';
import { noRatio } from '../../../shared/statistics/ratio.ts';
import { armTotals, hitsOf, latenciesOf } from './totals.ts';

const baseline = armTotals({ units: 5000 });
const check = (
  ...[guardrail, change]: [Parameters<typeof testGuardrail>[0], Parameters<typeof armTotals>[0]]
) => testGuardrail(guardrail, armTotals({ units: 5000, ...change }), baseline, 0.05, 5000);

test('the errors guardrail breaks when errors surely grew by more than allowed', () => {
  const guardrail = { kind: 'errors', maxIncrease: 0.01 } as const;
  expect(check(guardrail, {}).breached).toBe(false);
  expect(check(guardrail, { errors: hitsOf(75, 5000) }).breached).toBe(false);
  const broken = check(guardrail, { errors: hitsOf(250, 5000) });
  expect(broken.breached).toBe(true);
  expect(broken.harm.value).toBeCloseTo(0.04, 12);
  expect(broken.atLeast).toBeGreaterThan(0.01);
  expect(broken.atLeast).toBeLessThan(0.04);
  expect(broken.limit).toBe(0.01);
});

test('the latency guardrail is relative to the baseline', () => {
  const guardrail = { kind: 'latency', maxIncrease: 0.2 } as const;
  expect(check(guardrail, { latencyMs: latenciesOf(12, 5000) }).breached).toBe(false);
  const broken = check(guardrail, { latencyMs: latenciesOf(15, 5000) });
  expect(broken.breached).toBe(true);
  expect(broken.harm.value).toBeCloseTo(0.5, 2);
});

test('the accuracy guardrail watches its own task, and getting better never breaks one', () => {
  const tasks = { digit: hitsOf(4000, 5000), clothing: hitsOf(4500, 5000) };
  expect(check({ kind: 'accuracy', task: 'digit', maxDrop: 0.05 }, { tasks }).breached).toBe(true);
  expect(check({ kind: 'accuracy', task: 'clothing', maxDrop: 0.05 }, { tasks }).breached).toBe(false);
  const better = { digit: hitsOf(5000, 5000) };
  expect(check({ kind: 'accuracy', task: 'digit', maxDrop: 0 }, { tasks: better }).breached).toBe(false);
  expect(check({ kind: 'errors', maxIncrease: 0 }, { errors: hitsOf(0, 5000) }).breached).toBe(false);
  expect(check({ kind: 'latency', maxIncrease: 0 }, { latencyMs: latenciesOf(1, 5000) }).breached).toBe(
    false,
  );
});

test('a guardrail without data is not breached, and says that nothing is known', () => {
  for (const result of [
    check({ kind: 'errors', maxIncrease: 0 }, { errors: noRatio }),
    check({ kind: 'latency', maxIncrease: 0 }, { latencyMs: noRatio }),
    check({ kind: 'accuracy', task: 'digit', maxDrop: 0 }, { tasks: {} }),
  ]) {
    expect(result.breached).toBe(false);
    expect(result.atLeast).toBe(-Infinity);
  }
});
