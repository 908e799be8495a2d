import { expect, test } from 'vitest';
import { beginPhase, endPhase } from '../../../workers/domain/phases.ts';
import { experimentOf } from '../../shared/experiments.ts';

const at = (minute: number): string => `2026-01-02T03:${String(minute).padStart(2, '0')}:00.000Z`;

test('beginPhase() ends the phase before and keeps weights and coverage', () => {
  const first = beginPhase(experimentOf({ coverage: 0.1 }), at(1));
  expect(first).toEqual([
    {
      revision: 1,
      weights: { separate: 5000, merged: 5000 },
      coverage: 0.1,
      startedAt: at(1),
      endedAt: null,
    },
  ]);
  const second = beginPhase(experimentOf({ coverage: 0.5, phases: first }), at(2));
  expect(second.map(({ coverage, startedAt, endedAt }) => [coverage, startedAt, endedAt])).toEqual([
    [0.1, at(1), at(2)],
    [0.5, at(2), null],
  ]);
});

test('endPhase() ends what lasts and nothing else', () => {
  const [phase] = beginPhase(experimentOf(), at(1));
  const ended = endPhase(phase ? [phase] : [], at(5));
  expect(ended).toMatchObject([{ endedAt: at(5) }]);
  expect(endPhase(ended, at(9))).toEqual(ended);
  expect(endPhase([], at(9))).toEqual([]);
});

test('with a clock that runs behind, phases still follow each other', () => {
  const phases = beginPhase(experimentOf(), at(5));
  const next = beginPhase(experimentOf({ phases }), at(3));
  expect(next.map(({ startedAt, endedAt }) => [startedAt, endedAt])).toEqual([
    [at(5), at(5)],
    [at(5), null],
  ]);
  expect(() => experimentOf({ phases: next })).not.toThrow();
});
