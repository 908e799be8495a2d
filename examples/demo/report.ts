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
}

export interface TaskReport {
  readonly task: string;
  readonly images: number;
  readonly separateAccuracy: number;
  readonly zippedAccuracy: number;
}

export interface SideReport {
  readonly endpoint: string;
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

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const mega = (value: number, unit: string): string => `${(value / 1e6).toFixed(2)} ${unit}`;
const mebi = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const points = (difference: number): string =>
  `${difference >= 0 ? '+' : ''}${(100 * difference).toFixed(2)} points`;
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
    ...table(rows),
    '',
    `workerd against onnxruntime-node on ${parity.images} images: ` +
      `${parity.differentPredictions} predictions differ, largest difference of a logit ${parity.maxAbsDifference.toExponential(1)}`,
  ].join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const [header = []] = rows;
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(header), rule, ...rows.slice(1).map(line)];
}
