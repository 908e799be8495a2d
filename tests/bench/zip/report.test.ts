import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lineOf, tableOf } from '../../../bench/zip/report.ts';
import type { Context } from '../../../bench/zip/context.ts';
import { allNames } from '../../../bench/zip/listing.ts';
import {
  asRowsAre,
  readResults,
  withBegun,
  withFinished,
  withLine,
  writeResults,
} from '../../../bench/zip/results.ts';
import { rows as allRows } from '../../../bench/zip/rows/rows.ts';
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

test('a change in error has the interval of what tasks and repeats lost and won on their test images', () => {
  const counted = (tasks: Record<string, [number, number, string]>) => ({
    ...outcome(0.93),
    scores: Object.fromEntries(Object.keys(tasks).map((task) => [task, score(0.9)])),
    separate: Object.fromEntries(Object.keys(tasks).map((task) => [task, score(0.9)])),
    paired: Object.fromEntries(
      Object.entries(tasks).map(([task, [lost, won, of]]) => [task, { lost, won, images: 1000, of }]),
    ),
  });
  const halfOf = (...outcomes: Outcome[]) => lineOf('one', outcomes, { trainingSteps: 1 }).interval;
  // 30 lost, 10 won of 1,000: the differences 1, 0 and -1 have mean 0.02 and variance 0.04 - 0.02^2.
  const alone = (100 * 1.96 * Math.sqrt(0.04 - 0.02 ** 2)) / Math.sqrt(1000);
  expect(halfOf(counted({ a: [30, 10, 'x'] }))).toBeCloseTo(alone, 3);
  expect(halfOf(counted({ a: [0, 0, 'x'] }))).toBe(0);
  // Other images are independent, the same ones may go together: with other tasks or other seeds.
  expect(halfOf(counted({ a: [30, 10, 'x'], b: [30, 10, 'y'] }))).toBeCloseTo(alone / Math.SQRT2, 3);
  expect(halfOf(counted({ a: [30, 10, 'x'], b: [30, 10, 'x'] }))).toBeCloseTo(alone, 3);
  expect(halfOf(counted({ a: [30, 10, 'x'] }), counted({ a: [30, 10, 'x'] }))).toBeCloseTo(alone, 3);
  // What was kept before it was counted has none.
  expect(halfOf(counted({ a: [30, 10, 'x'] }), outcome(0.9))).toBeUndefined();
  const [, row] = tableOf([
    { ...lineOf('four', [outcome(0.93)], { trainingSteps: 1 }), interval: 0.314 },
  ]).split('\n');
  expect(row).toContain('+0.50 ± 0.31');
});

test('networks that stay apart share nothing, however small they were made', () => {
  const line = (isApart: boolean) => lineOf('alone', [outcome(0.93)], { trainingSteps: 1, isApart });
  expect(line(false).shared).toBeGreaterThan(0);
  expect(line(true)).toMatchObject({ parameters: line(false).parameters, shared: null });
});

test('what was not done is no line', () => {
  expect(() => lineOf('none', [], { trainingSteps: 1 })).toThrow('Cannot report "none": it was not done');
});

test('a line says when and where the last of its outcomes came about', () => {
  const [before, after] = [{ date: '2026-01-01' }, { date: '2026-01-02', machine: 'm', load: 0.5 }];
  const outcomes = [
    { ...outcome(0.93), made: after },
    { ...outcome(0.91), made: before },
  ];
  expect(lineOf('four', outcomes, { trainingSteps: 890 }).run).toEqual(after);
  expect(lineOf('four', [outcome(0.93)], { trainingSteps: 890 })).not.toHaveProperty('run');
});

const run = { date: '2026-01-01', machine: 'm', node: 'v22', command: 'c', load: 0 };
const line = (what: string, ours: number, date = '2026-02-02') =>
  lineOf(what, [{ ...outcome(ours), made: { ...run, date } }], { trainingSteps: 890 });
const none = await readResults(join(tmpdir(), 'no such file'));

test('results are kept as they come: a line again replaces itself, other rows are not run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'results-'));
  try {
    const path = join(folder, 'results.json');
    const results = withLine(
      withBegun(await readResults(path), '2', 'lines'),
      '2',
      'lines',
      line('four', 0.5),
    );
    await writeResults(path, withLine(results, '2', 'lines', line('four', 0.93)));
    const { rows } = await readResults(path);
    expect(rows['2'].lines).toEqual([line('four', 0.93)]);
    expect(rows['2'].status).toEqual({ lines: 'not finished', controls: 'not run' });
    expect(rows['5']).toMatchObject({ status: { lines: 'not run' }, run: null, lines: [] });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a row at its end has its own lines only, in their order', () => {
  let results = none;
  for (const what of ['renamed since', 'second', 'first'])
    results = withLine(results, '2', 'lines', line(what, 0.9));
  results = withLine(withBegun(results, '2', 'lines'), '2', 'controls', line('renamed since', 0.9));
  expect(results.rows['2'].lines).toHaveLength(3);
  const { lines, controls, status } = withFinished(results, '2', 'lines', ['first', 'second']).rows['2'];
  expect(lines.map(({ what }) => what)).toEqual(['first', 'second']);
  expect(controls).toHaveLength(1);
  expect(status).toEqual({ lines: 'measured', controls: 'not run' });
});

test('the run of a row stays as long as some of its lines do not say themselves where they are from', () => {
  const silent = lineOf('second', [outcome(0.9)], { trainingSteps: 890 });
  const old = {
    rows: { ...none.rows, '2': { ...none.rows['2'], run, lines: [silent], controls: [line('third', 0.9)] } },
  };
  const more = withLine(old, '2', 'lines', line('first', 0.9));
  expect(more.rows['2'].run).toEqual(run);
  expect(more.rows['2'].lines[0]).toEqual(silent);
  expect(withLine(more, '2', 'lines', line('second', 0.9)).rows['2'].run).toBeNull();
});

/** Whose jobs would fail: nothing may be measured. */
const idle = {
  jobs: { run: () => Promise.reject(new Error('a job was done')) },
  tasks: { data: () => Promise.reject(new Error('data was read')) },
  ...{ threads: 1, repeats: 2, quick: false, log: () => undefined },
} satisfies Context;

test('the lines of a row are known without measuring them', async () => {
  const names = await allNames(allRows, idle);
  expect(names['4'].lines).toEqual([
    '90 % of the parameters shared, not retrained',
    '90 % of the parameters shared, retrained',
    ...['crossed', 'one-way'].flatMap((wiring) =>
      ['not retrained', 'retrained'].map((how) => `half of the parameters stored, ${wiring}, ${how}`),
    ),
  ]);
  expect(names['2'].controls).toHaveLength(4);
  expect(names['4'].controls.slice(3)).toEqual(
    [27.9, 50].flatMap((percent) =>
      ['not retrained', 'retrained'].map(
        (how) => `every network pruned by itself to ${percent} % of its parameters, ${how}`,
      ),
    ),
  );
});

test('a row that has got more lines since it was measured is not finished', async () => {
  const names = await allNames(allRows, idle);
  const all = names['2'].lines;
  const measured = (some: readonly string[]) =>
    withFinished(
      some.reduce((results, what) => withLine(results, '2', 'lines', line(what, 0.9)), none),
      ...(['2', 'lines', some] as const),
    );
  expect(asRowsAre(measured(all), names)).toEqual(measured(all));
  expect(asRowsAre(measured(all.slice(1)), names).rows['2'].status.lines).toBe('not finished');
  expect(asRowsAre(none, names)).toEqual(none);
});
