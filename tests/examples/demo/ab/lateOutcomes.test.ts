import { expect, it } from 'vitest';
import { LateOutcomes } from '../../../../examples/demo/ab/lateOutcomes.ts';
import type { Outcome } from '../../../../shared/experiment-api.ts';

const outcomes = (round: number): Outcome[] =>
  Array.from({ length: 100 }, (_, index) => ({
    requestId: `r${round}.${String(index).padStart(2, '0')}`,
    task: 'digit',
    truth: index % 10,
  }));
const idsOf = (known: readonly Outcome[]): string[] =>
  known.map((one) => ('requestId' in one ? one.requestId : ''));

it('LateOutcomes holds some back for some rounds, loses none and tells none twice', () => {
  const late = new LateOutcomes(1);
  const first = idsOf(late.next(outcomes(1)));
  const second = idsOf(late.next(outcomes(2)));
  const rest = idsOf(late.rest());
  expect(first.length).toBeGreaterThan(50);
  expect(first.length).toBeLessThan(100);
  expect(second.some((id) => id.startsWith('r1.'))).toBe(true);
  expect([...first, ...second, ...rest].sort()).toEqual(idsOf([...outcomes(1), ...outcomes(2)]).sort());
  expect(late.rest()).toEqual([]);
});

it('LateOutcomes has told everything after three more rounds', () => {
  const late = new LateOutcomes(2);
  const told = [outcomes(1), [], [], []].flatMap((round) => late.next(round));
  expect(idsOf(told).sort()).toEqual(idsOf(outcomes(1)));
  expect(late.rest()).toEqual([]);
});

it('LateOutcomes tells them in another order, the same for the same seed', () => {
  const ids = idsOf(new LateOutcomes(3).next(outcomes(1)));
  expect(ids).not.toEqual([...ids].sort());
  expect(idsOf(new LateOutcomes(3).next(outcomes(1)))).toEqual(ids);
});
