import { expect, it } from 'vitest';
import { expectEnd, runTrial, type TrialOptions } from '../../../../examples/demo/ab/runTrial.ts';
import type { EvaluationView, Outcome } from '../../../../shared/experiment-api.ts';
import { exampleReport } from '../../../gpu-runner/runner/exampleReport.ts';

/** A platform that counts late and decides once it has seen `enough` requests. */
function fake(enough: number) {
  const told: Outcome[] = [];
  const notes: string[] = [];
  const judgedAt: number[] = [];
  let sent = 0;
  let counted = 0;
  const state = () => (counted >= enough ? ('decided' as const) : ('running' as const));
  const options: TrialOptions = {
    experiment: 'zip',
    ...{ perLook: 10, mostLooks: 5, seed: 1, pollMs: 1 },
    progress: { note: (text) => void notes.push(text) },
    visitors: {
      get served() {
        return sent;
      },
      get requests() {
        return sent;
      },
      send(count) {
        sent += count;
        const outcomes = Array.from({ length: count }, (_, i) => ({
          requestId: `r${sent - i}`,
          task: 'digit',
          truth: 1,
        }));
        return Promise.resolve(outcomes);
      },
    },
    control: {
      tell(outcomes) {
        told.push(...outcomes);
        return Promise.resolve();
      },
      evaluate() {
        judgedAt.push(counted);
        const view = { action: 'hold', reason: 'Because.', experiment: { state: state() } };
        return Promise.resolve(view as EvaluationView);
      },
      report() {
        // Half of what is missing has come each time somebody looks.
        counted += Math.ceil((sent - counted) / 2);
        const requests = [
          { arm: 'merged', reason: 'assigned' as const, requests: counted, cold: 0, errors: {} },
          { arm: 'separate', reason: 'no-unit' as const, requests: 1000, cold: 0, errors: {} },
        ];
        return Promise.resolve(
          exampleReport({ state: state(), requests, units: { separate: 0, merged: counted } }),
        );
      },
    },
  };
  return { options, told, notes, judgedAt };
}

it('runTrial() judges only what has been counted, again and again, until the experiment is over', async () => {
  const { options, told, notes, judgedAt } = fake(30);
  const { looks, report } = await runTrial(options);
  expect(judgedAt).toEqual([10, 20, 30]);
  expect(looks.map(({ units, state }) => [units, state])).toEqual([
    [10, 'running'],
    [20, 'running'],
    [30, 'decided'],
  ]);
  expect(report.state).toBe('decided');
  expect(notes.at(-1)).toBe('decided: Because.');
  // What became known late was told all the same.
  expect(told).toHaveLength(30);
});

it('runTrial() refuses to go on forever, with everything told before the last look', async () => {
  const { options, told } = fake(1000);
  await expect(runTrial(options)).rejects.toThrow(
    /^Cannot end experiment "zip" after 50 visitors: Decided for/,
  );
  expect(told).toHaveLength(50);
});

it('expectEnd() lets only the right end for the right arm pass', () => {
  const trial = { report: exampleReport(), looks: [] };
  expect(() => expectEnd(trial, 'decided', 'merged')).not.toThrow();
  expect(() => expectEnd(trial, 'decided', 'separate')).toThrow(
    /^Experiment "zip" came out wrong, not decided for "separate"/,
  );
  expect(() => expectEnd(trial, 'rolled-back', 'merged')).toThrow('not rolled-back for "merged"');
});
