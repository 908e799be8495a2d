import { mega, ms, percent, points } from '../../gpu-runner/runner/figures.ts';
import { textTable } from '../../gpu-runner/runner/textTable.ts';
import type { AbReport } from './ab/report.ts';

/** What the demo measured, as `--json` writes it. Times in ms, sizes in bytes, accuracies from 0 to 1. */
export interface DemoReport {
  readonly date: string;
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number };
  readonly tasks: readonly TaskReport[];
  readonly separate: SideReport;
  readonly zipped: SideReport;
  readonly iterations: { readonly training: number; readonly retraining: number; readonly batchSize: number };
  /** Median over interleaved rounds of zipped / separate, ONNX Runtime Web alone. */
  readonly ortWebTimeRatio: number;
  /** Against onnxruntime-node on the same images and files. */
  readonly parity: {
    readonly images: number;
    readonly maxAbsDifference: number;
    readonly differentPredictions: number;
  };
  readonly seconds: number;
  /** What `--ab` measured; null without it. */
  readonly ab: AbReport | null;
}

export interface TaskReport {
  readonly task: string;
  readonly images: number;
  readonly separateAccuracy: number;
  readonly zippedAccuracy: number;
}

export interface SideReport {
  readonly endpoint: string;
  /** Of what is served: trunk and heads, without the bundle's report. */
  readonly storedBytes: number;
  /** Multiply-adds for every task on one input. */
  readonly macs: number;
  /** ONNX Runtime Web alone: every task on one image, median. */
  readonly ortWebMs: number;
  /** ONNX Runtime Web's WebAssembly memory with every session loaded. */
  readonly ortHeapBytes: number;
  /** What a client sees for one HTTP request that asks every task. */
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
}

const mebi = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const ratio = (a: number, b: number): string => `x ${(a / b).toFixed(3)}`;

/** The one table the demo ends with. */
export function renderReport(report: DemoReport): string {
  const { separate, zipped, iterations, parity } = report;
  const rows: string[][] = [['', 'separate', 'zipped', 'zipped against separate']];
  for (const task of report.tasks) {
    rows.push([
      `accuracy "${task.task}", ${task.images} held-out images`,
      percent(task.separateAccuracy),
      percent(task.zippedAccuracy),
      points(task.zippedAccuracy - task.separateAccuracy),
    ]);
  }
  const compare = (
    label: string,
    show: (value: number) => string,
    pick: (side: SideReport) => number,
  ): void => {
    rows.push([label, show(pick(separate)), show(pick(zipped)), ratio(pick(zipped), pick(separate))]);
  };
  compare(
    'bytes stored',
    (value) => mega(value, 'MB'),
    (side) => side.storedBytes,
  );
  compare(
    'multiply-adds, both tasks on one input',
    (value) => mega(value, 'M'),
    (side) => side.macs,
  );
  rows.push([
    'ONNX Runtime Web alone, both tasks on one image',
    ms(separate.ortWebMs),
    ms(zipped.ortWebMs),
    `x ${report.ortWebTimeRatio.toFixed(3)}`,
  ]);
  compare('one request asking both, p50', ms, (side) => side.latencyP50Ms);
  compare('one request asking both, p99', ms, (side) => side.latencyP99Ms);
  compare('ONNX Runtime heap', mebi, (side) => side.ortHeapBytes);
  rows.push([
    `iterations (batches of ${iterations.batchSize})`,
    `${iterations.training} training`,
    `${iterations.retraining} retraining`,
    `1 / ${(iterations.training / iterations.retraining).toFixed(1)}`,
  ]);
  return [
    ...textTable(rows),
    '',
    `workerd against onnxruntime-node on ${parity.images} images: ` +
      `${parity.differentPredictions} predictions differ, largest difference of a logit ${parity.maxAbsDifference.toExponential(1)}`,
  ].join('\n');
}
