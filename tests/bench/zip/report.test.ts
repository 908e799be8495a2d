import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lineOf, tableOf } from '../../../bench/zip/report.ts';
import { readResults, withLine, withStatus, writeResults } from '../../../bench/zip/results.ts';
import type { Outcome } from '../../../bench/zip/zips.ts';

const score = (test: number) => ({ validation: 0, test });
/** Four tasks of 100 parameters, 85 of them shared by all. */
const outcome = (ours: number): Outcome => ({
  scores: { a: score(ours), b: score(0.9), c: score(0.9), d: score(0.9) },
  separate: { a: score(0.95), b: score(0.9), c: score(0.9), d: score(0.9) },
  steps: 50,
  size: { parameters: 85 + 4 * 15, macs: 300 },
  separateSize: { parameters: 400, macs: 600 },
});

test('a line has the mean errors of tasks and repeats, and what was shared as the paper counts it', () => {
  const line = lineOf('four', [outcome(0.93), outcome(0.91)], { trainingSteps: 890, published: 'none' });
  expect(line.separate).toBeCloseTo(8.75, 9);
  expect(line.ours).toBeCloseTo(9.5, 9);
  expect(line.tasks['a']).toEqual({ separate: 5, ours: 8 });
  expect(line).toMatchObject({ repeats: 2, steps: 50, parameters: 145 / 400, macs: 0.5 });
  expect(line.shared).toBeCloseTo(85, 9);
});

test('the table shows changes in points and how many times fewer steps were taken', () => {
  const line = lineOf('four', [outcome(0.93)], { trainingSteps: 890, published: '8 -> 9 %' });
  const [, row] = tableOf([line]).split('\n');
  expect(row?.split(/ {2,}/)).toEqual([
    ...['four', '8 -> 9 %', '8.75 %', '9.25 %', '+0.50', '50', '17.8x', 'x 0.362', 'x 0.500', '85.0 %'],
  ]);
});

test('what was not done is no line', () => {
  expect(() => lineOf('none', [], { trainingSteps: 1 })).toThrow('Cannot report "none": it was not done');
});

test('results are kept as they come: a line again replaces itself, other rows are not run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'results-'));
  try {
    const path = join(folder, 'results.json');
    const run = { date: '2026-01-01', machine: 'm', node: 'v22', command: 'c', load: 0 };
    const line = (ours: number) => lineOf('four', [outcome(ours)], { trainingSteps: 890 });
    let results = withStatus(await readResults(path), '2', 'lines', 'not finished');
    results = withLine(results, '2', 'lines', line(0.5), run);
    await writeResults(path, withLine(results, '2', 'lines', line(0.93), run));
    const { rows } = await readResults(path);
    expect(rows['2'].lines).toEqual([line(0.93)]);
    expect(rows['2'].status).toEqual({ lines: 'not finished', controls: 'not run' });
    expect(rows['5']).toMatchObject({ status: { lines: 'not run' }, run: null, lines: [] });
  } finally {
    await rm(folder, { recursive: true });
  }
});
