import { expect, test } from 'vitest';
import {
  canBecome,
  experiment,
  experimentStates,
  published,
  publishedExperiment,
  redraws,
  transitions,
  type ExperimentInput,
} from '../../shared/experiment.ts';
import { digest, experimentOf } from './experiments.ts';

const complaints = (change: Partial<ExperimentInput>): string => {
  const result = experiment.safeParse({ ...experimentOf(), ...change });
  return result.success ? '' : result.error.issues.map((issue) => issue.message).join('; ');
};

test('an experiment fills in its ramp, its alpha and its planned units', () => {
  const parsed = experimentOf();
  expect(parsed.ramp).toEqual({ steps: [0.01, 0.05, 0.1, 0.25, 0.5, 1], minUnits: 100 });
  expect(parsed.alpha).toBe(0.05);
  expect(parsed.plannedUnits).toBe(5000);
});

test('an experiment whose weights do not sum to all slots is refused with the sum', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  expect(complaints({ arms: [separate, { ...merged, weight: 4999 }] })).toContain('sum to 9999 slots');
  expect(
    complaints({
      arms: [
        { ...separate, weight: 10_000 },
        { ...merged, weight: 0 },
      ],
    }),
  ).toBe('');
});

test('an experiment with arms that cannot be compared is refused', () => {
  const [separate, merged] = experimentOf().arms;
  if (!separate || !merged) throw new Error('two arms');
  expect(complaints({ arms: [separate, { ...merged, name: 'separate' }] })).toContain('same name');
  expect(complaints({ arms: [separate, { ...merged, tasks: { digit: digest('c') } }] })).toContain(
    'arm "merged" answers digit, the first arm answers clothing, digit',
  );
  expect(complaints({ defaultArm: 'control' })).toContain('"control" is not an arm');
  expect(complaints({ shadow: { share: 0.1, arm: 'ghost' } })).toContain('"ghost" is not an arm');
  expect(complaints({ arms: [separate] })).not.toBe('');
});

test('every task needs a margin, and margins and guardrails need their task', () => {
  expect(complaints({ margins: { digit: 0.02 } })).toContain('task "clothing" has no margin');
  expect(complaints({ margins: { digit: 0.02, clothing: 0.02, speech: 0.02 } })).toContain(
    'no arm answers task "speech"',
  );
  expect(complaints({ margins: { digit: 0, clothing: 0.02 } })).not.toBe('');
  expect(complaints({ guardrails: [{ kind: 'accuracy', task: 'speech', maxDrop: 0.1 }] })).toContain(
    'no arm answers task "speech"',
  );
});

test('phases follow each other in time and only the last is open', () => {
  const phase = (startedAt: string, endedAt: string | null) => ({
    revision: 1,
    weights: { separate: 5000, merged: 5000 },
    coverage: 0.1,
    startedAt,
    endedAt,
  });
  const [monday, tuesday, wednesday] = [
    '2026-01-05T00:00:00Z',
    '2026-01-06T00:00:00Z',
    '2026-01-07T00:00:00Z',
  ];
  expect(complaints({ phases: [phase(monday, tuesday), phase(tuesday, null)] })).toBe('');
  expect(complaints({ phases: [phase(monday, null), phase(tuesday, null)] })).toContain('phase 1 must end');
  expect(complaints({ phases: [phase(tuesday, monday)] })).toContain('phase 1 ends before it starts');
  expect(complaints({ phases: [phase(monday, wednesday), phase(tuesday, null)] })).toContain(
    'phase 2 starts before phase 1 ends',
  );
});

test('an ended experiment says for which arm and why', () => {
  expect(complaints({ state: 'decided' })).toContain('must say for which arm and why');
  const decision = { arm: 'merged', reason: 'as good', by: 'person', at: '2026-01-05T00:00:00Z' } as const;
  expect(complaints({ state: 'decided', decision })).toBe('');
  expect(complaints({ state: 'decided', decision: { ...decision, arm: 'ghost' } })).toContain('not an arm');
});

test('layer ranges and ramp steps that go backwards are refused', () => {
  expect(complaints({ layer: { name: 'ui', start: 5000, end: 5000 } })).toContain('start before it ends');
  expect(complaints({ ramp: { steps: [0.1, 0.05], minUnits: 1 } })).toContain('ramp steps must grow');
});

test('an ended experiment never runs again and archived is the end of all', () => {
  const reachable = (from: (typeof experimentStates)[number]): Set<string> => {
    const seen = new Set<(typeof experimentStates)[number]>();
    const queue = [...transitions[from]];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (!seen.has(next)) queue.push(...transitions[next]);
      seen.add(next);
    }
    return seen;
  };
  expect([...reachable('decided')]).toEqual(['archived']);
  expect([...reachable('rolled-back')]).toEqual(['archived']);
  for (const state of experimentStates) {
    expect(canBecome('archived', state)).toBe(false);
    expect(state === 'archived' || reachable(state).has('archived')).toBe(true);
  }
  expect(canBecome('running', 'paused')).toBe(true);
  expect(canBecome('draft', 'decided')).toBe(false);
});

test('redraws() tells edits that mix the numbers from edits that do not', () => {
  const before = experimentOf();
  const [separate, merged] = before.arms;
  if (!separate || !merged) throw new Error('two arms');
  for (const change of [
    { coverage: 0.5 },
    { shadow: { share: 0.1, arm: 'merged' } },
    { margins: { digit: 0.01, clothing: 0.01 } },
    { arms: [{ ...separate, tasks: { clothing: digest('b'), digit: digest('a') } }, merged] },
  ]) {
    expect(redraws(before, experimentOf(change))).toBe(false);
  }
  for (const change of [
    { arms: [merged, separate] },
    {
      arms: [
        { ...separate, weight: 9000 },
        { ...merged, weight: 1000 },
      ],
    },
    { arms: [separate, { ...merged, tasks: { digit: digest('d'), clothing: digest('c') } }] },
    { layer: { name: 'ui', start: 0, end: 5000 } },
    { unit: { from: 'cookie' as const, name: 'visitor' } },
    { defaultArm: 'merged' },
  ]) {
    expect(redraws(before, experimentOf(change))).toBe(true);
  }
});

test('published() is what the edge reads, while the experiment runs', () => {
  const form = published(experimentOf());
  expect(publishedExperiment.parse(form)).toEqual(form);
  expect(JSON.stringify(form)).not.toContain('margins');
  for (const state of ['draft', 'paused'] as const) expect(published(experimentOf({ state }))).toBe(null);
});
