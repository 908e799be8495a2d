import { expect, test } from 'vitest';
import { reportLines } from '../../../gpu-runner/cli/reportLines.ts';
import { report } from '../../../shared/report.ts';
import { bare, full } from '../bundle/report/reports.ts';

test('a report in a terminal names the layers that were left out of int8, and why', () => {
  const lines = reportLines(report.parse(full));
  expect(lines).toContain('Stored as int8: 3 layers compute on integers; left in float32:');
  expect(lines).toContain('  classifier of digit: it costs too much');
  expect(reportLines(report.parse(bare)).join('\n')).not.toContain('Stored as');
});
