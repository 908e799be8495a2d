import { expect, test } from 'vitest';
import { explainIssues } from '../../shared/explain-issues.ts';
import { blocksOf, report, type ReportInput } from '../../shared/report.ts';
import { bare, full } from '../gpu-runner/bundle/report/reports.ts';

/** What is said of a report after `spoil` has changed it. */
function complaint(spoil: (one: ReportInput) => void): string {
  const one = structuredClone(full);
  spoil(one);
  const { error } = report.safeParse(one);
  return error ? explainIssues(error) : 'nothing';
}

test('a report may say everything or next to nothing', () => {
  expect(complaint(() => undefined)).toBe('nothing');
  expect(report.parse(bare)).toEqual({
    ...bare,
    tasks: [{ task: 'digit', labels: [] }],
    plan: [],
    figures: {},
    unzipped: [],
    notes: [],
  });
});

test('what is written can be read again', () => {
  const once = report.parse(full);
  expect(report.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
});

test('every channel of a source network is in one block', () => {
  expect(complaint((one) => ((one.plan?.[0] as { widths: object }).widths = { digit: 8, fashion: 11 }))).toBe(
    'group "conv1" has 11 channels of "fashion", its blocks 10',
  );
  expect(complaint((one) => one.plan?.[0]?.blocks.push({ tasks: ['speech'], channels: 1 }))).toBe(
    'group "conv1" names "speech", which is not a task',
  );
});

test('confusion is counted for all labels, and tasks are named once', () => {
  expect(complaint((one) => (one.tasks[0] as { labels: string[] }).labels.push('two'))).toBe(
    'the confusion of "digit" is not square, or not of its 3 labels',
  );
  expect(complaint((one) => one.tasks[0]?.confusion?.after?.pop())).toContain('is not square');
  expect(complaint((one) => one.tasks.push({ task: 'fashion' }))).toBe('two tasks have the same name');
});

test('shares are from 0 to 1, and unknown fields are refused', () => {
  expect(
    complaint((one) => ((one.tasks[0] as { accuracy: { after: number } }).accuracy.after = 98)),
  ).toContain('tasks[0].accuracy.after');
  expect(complaint((one) => Object.assign(one, { author: 'x' }))).toContain('author');
});

test('blocksOf() shares among all and leaves the rest to each', () => {
  expect(blocksOf({ a: 4, b: 6 }, 3)).toEqual([
    { tasks: ['a', 'b'], channels: 3 },
    { tasks: ['a'], channels: 1 },
    { tasks: ['b'], channels: 3 },
  ]);
  expect(blocksOf({ a: 4, b: 4 }, 4)).toEqual([{ tasks: ['a', 'b'], channels: 4 }]);
  expect(blocksOf({ a: 4, b: 5 }, 0)).toEqual([
    { tasks: ['a'], channels: 4 },
    { tasks: ['b'], channels: 5 },
  ]);
});
