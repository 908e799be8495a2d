import { halfWidth } from './compare.ts';
import { latest, type Provenance } from './provenance.ts';
import type { Outcome } from './zips.ts';

/** One figure of the benchmark, means over tasks and seeds, on test samples. */
export interface Line {
  readonly what: string;
  /** What others published, as they put it; null where nobody did. */
  readonly published: string | null;
  /** Error in percent. */
  readonly separate: number;
  readonly ours: number;
  /**
   * Half the width of the 95 % interval of what ours is worse by, in points: of other test images, not of other networks.
   * Lines of before have none.
   */
  readonly interval?: number;
  /** By task: the error in percent apart and merged. */
  readonly tasks: Readonly<Record<string, { readonly separate: number; readonly ours: number }>>;
  /** How many times it was done, with other sources. */
  readonly repeats: number;
  /** Retraining steps, each a batch of every task. */
  readonly steps: number;
  /** Steps of training one source, of batches of the same size. */
  readonly trainingSteps: number;
  /** What is stored and computed (all tasks on one input) over what the separate networks do; null where it was not counted. */
  readonly parameters: number | null;
  readonly macs: number | null;
  /** The paper's measure: parameters in shared use over all parameters of the separate networks, percent. */
  readonly shared: number | null;
  readonly note?: string;
  /** When and where the last of its outcomes came about. Lines of before have none. */
  readonly run?: Provenance;
}

export interface LineOptions {
  readonly published?: string | undefined;
  readonly trainingSteps: number;
  readonly note?: string;
  /** Of networks that stay apart: what they lack is not shared. */
  readonly isApart?: boolean;
}

/** Repeats of one experiment as a line. */
export function lineOf(what: string, outcomes: readonly Outcome[], options: LineOptions): Line {
  const [first] = outcomes;
  if (!first) throw new Error(`Cannot report "${what}": it was not done`);
  const tasks = Object.keys(first.scores);
  const errorOf = (of: 'scores' | 'separate', task: string): number =>
    rounded(mean(outcomes.map((outcome) => 100 * (1 - (outcome[of][task]?.test ?? NaN)))));
  const ratio = (of: 'parameters' | 'macs'): number | null =>
    first.size && first.separateSize ? rounded(first.size[of] / first.separateSize[of]) : null;
  const stored = ratio('parameters');
  const interval = halfWidth(outcomes);
  const run = latest(outcomes.map(({ made }) => made));
  return {
    what,
    published: options.published ?? null,
    separate: rounded(mean(tasks.map((task) => errorOf('separate', task)))),
    ours: rounded(mean(tasks.map((task) => errorOf('scores', task)))),
    ...(interval !== undefined && { interval: rounded(interval) }),
    tasks: Object.fromEntries(
      tasks.map((task) => [task, { separate: errorOf('separate', task), ours: errorOf('scores', task) }]),
    ),
    repeats: outcomes.length,
    steps: mean(outcomes.map(({ steps }) => steps)),
    trainingSteps: options.trainingSteps,
    parameters: stored,
    macs: ratio('macs'),
    shared: stored === null || options.isApart ? null : rounded(sharedPercent(stored, tasks.length)),
    ...(options.note !== undefined && { note: options.note }),
    ...(run && { run }),
  };
}

/** What is stored once for all T tasks: of T networks' parameters P, (P - merged) / (T - 1) is, and T of them use it. */
const sharedPercent = (stored: number, tasks: number): number => (100 * tasks * (1 - stored)) / (tasks - 1);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** As many digits as mean something. */
const rounded = (value: number): number => Number(value.toFixed(4));

/** Lines as a text table. */
export function tableOf(lines: readonly Line[]): string {
  const cells = [
    ['', 'published', 'separate', 'ours', 'change', 'steps', 'fewer', 'stored', 'MACs', 'shared'],
    ...lines.map((line) => [
      line.what,
      line.published ?? '',
      `${line.separate.toFixed(2)} %`,
      `${line.ours.toFixed(2)} %`,
      signed(line.ours - line.separate) +
        (line.interval === undefined ? '' : ` ± ${line.interval.toFixed(2)}`),
      line.steps.toFixed(0),
      line.steps > 0 ? `${(line.trainingSteps / line.steps).toFixed(1)}x` : '',
      line.parameters === null ? '' : `x ${line.parameters.toFixed(3)}`,
      line.macs === null ? '' : `x ${line.macs.toFixed(3)}`,
      line.shared === null ? '' : `${line.shared.toFixed(1)} %`,
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const text = cells.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return text.join('\n');
}

const signed = (points: number): string => `${points < 0 ? '-' : '+'}${Math.abs(points).toFixed(2)}`;
