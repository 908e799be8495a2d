import { expect, it } from 'vitest';
import { renderReport, type DemoReport, type SideReport } from '../../../examples/demo/report.ts';

const side = (scale: number): SideReport => ({
  endpoint: 'any',
  storedBytes: 4e6 * scale,
  macs: 8e6 * scale,
  ortWebMs: scale,
  ortHeapBytes: 32 * 2 ** 20 * scale,
  latencyP50Ms: 4 * scale,
  latencyP99Ms: 8 * scale,
});
const report: DemoReport = {
  date: '2026-01-01T00:00:00.000Z',
  machine: { node: 'v22', cpu: 'any', cores: 2 },
  tasks: [{ task: 'digit', images: 1000, separateAccuracy: 0.99, zippedAccuracy: 0.985 }],
  separate: side(1),
  zipped: side(0.5),
  iterations: { training: 1780, retraining: 100, batchSize: 64 },
  ortWebTimeRatio: 0.55,
  parity: { images: 2000, maxAbsDifference: 1.25e-5, differentPredictions: 0 },
  seconds: 100,
  ab: null,
};

it('renderReport() puts both sides and what the zipped one costs and saves into one table', () => {
  const text = renderReport(report);
  const row = (label: string): string => text.split('\n').find((line) => line.startsWith(label)) ?? '';
  expect(row('accuracy "digit"')).toMatch(/1000 held-out images +99\.00 % +98\.50 % +-0\.50 points$/);
  expect(row('bytes stored')).toMatch(/4\.00 MB +2\.00 MB +x 0\.500$/);
  expect(row('multiply-adds')).toMatch(/8\.00 M +4\.00 M +x 0\.500$/);
  expect(row('ONNX Runtime Web alone')).toMatch(/1\.00 ms +0\.50 ms +x 0\.550$/);
  expect(row('ONNX Runtime heap')).toMatch(/32\.0 MiB +16\.0 MiB +x 0\.500$/);
  expect(row('iterations')).toMatch(/1780 training +100 retraining +1 \/ 17\.8$/);
  expect(text).toContain('0 predictions differ, largest difference of a logit 1.3e-5');
});

it('renderReport() keeps every row of the table as wide as the others', () => {
  const lines = renderReport(report).split('\n');
  const table = lines.slice(0, lines.indexOf(''));
  expect(new Set(table.map((line) => line.length)).size).toBe(1);
});
