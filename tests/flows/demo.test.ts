import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoReport } from '../../examples/demo/report.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
let report: DemoReport;
let printed: string;

describe('npm run demo -- --quick', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trunkline demo '));
    const file = join(folder, 'report.json');
    const args = ['examples/demo/demo.ts', '--quick', '--images', '60', '--json', file];
    printed = (await run(process.execPath, args, { cwd: root })).stdout;
    report = JSON.parse(await readFile(file, 'utf8')) as DemoReport;
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('stores and computes about half of what the separate networks do', () => {
    expect(report.zipped.storedBytes / report.separate.storedBytes).toBeLessThan(0.55);
    expect(report.zipped.macs / report.separate.macs).toBeLessThan(0.55);
  });

  it('serves from workerd what onnxruntime-node computes', () => {
    expect(report.parity.images).toBe(240);
    expect(report.parity.differentPredictions).toBe(0);
    expect(report.parity.maxAbsDifference).toBeLessThan(1e-4);
  });

  it('answers both tasks far better than chance after a tenth of the retraining', () => {
    expect(report.tasks.map(({ task }) => task)).toEqual(['digit', 'fashion']);
    for (const { separateAccuracy, zippedAccuracy } of report.tasks) {
      expect(separateAccuracy).toBeGreaterThan(0.8);
      expect(zippedAccuracy).toBeGreaterThan(0.65);
    }
  });

  it('leaves a zipped bundle whose report draws what became of the networks', async () => {
    const [, zipped = ''] = /^The zipped bundle: (.*); open report\.html/m.exec(printed) ?? [];
    const page = await readFile(join(zipped, 'report.html'), 'utf8');
    for (const drawing of ['sharing', 'tradeoff', 'losses', 'confusion-0-before', 'confusion-1-after'])
      expect(page).toContain(`"${drawing}-title`);
  });

  it('prints the table and what to try next', () => {
    expect(printed).toContain('accuracy "fashion", 60 held-out images');
    expect(printed).toMatch(/Next: `npm run demo/);
  });
});
