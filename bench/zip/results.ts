import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomically } from '../../gpu-runner/data/writeFileAtomically.ts';
import type { Line } from './report.ts';

export const rowIds = ['1', '2', '3', '4', '5'] as const;
export type RowId = (typeof rowIds)[number];
export type Part = 'lines' | 'controls';
export type Status = 'measured' | 'not finished' | 'not run';

/** When, where and how something was measured. */
export interface Run {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly command: string;
  /** Of the machine when the run began: other programs were at work above 1. */
  readonly load: number;
}

export interface RowResults {
  readonly status: Readonly<Record<Part, Status>>;
  /** The run that measured last. */
  readonly run: Run | null;
  readonly lines: readonly Line[];
  readonly controls: readonly Line[];
}

export interface Results {
  readonly rows: Readonly<Record<RowId, RowResults>>;
}

const empty: RowResults = {
  ...{ status: { lines: 'not run', controls: 'not run' }, run: null, lines: [], controls: [] },
};

/** Results that are there, the other rows as not run. */
export async function readResults(path: string): Promise<Results> {
  const known = existsSync(path)
    ? (JSON.parse(await readFile(path, 'utf8')) as { rows: Partial<Record<RowId, RowResults>> }).rows
    : {};
  const rows = Object.fromEntries(rowIds.map((id) => [id, known[id] ?? empty]));
  return { rows: rows as Record<RowId, RowResults> };
}

export async function writeResults(path: string, results: Results): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomically(path, Buffer.from(`${JSON.stringify(results, null, 2)}\n`));
}

/** With one line more, or instead of the one of the same name. */
export function withLine(results: Results, id: RowId, part: Part, line: Line, run: Run): Results {
  const row = results.rows[id];
  const at = row[part].findIndex(({ what }) => what === line.what);
  const lines = at < 0 ? [...row[part], line] : row[part].with(at, line);
  return { rows: { ...results.rows, [id]: { ...row, run, [part]: lines } } };
}

/** With the state of a part. One that begins anew forgets no line: they are replaced as they come. */
export function withStatus(results: Results, id: RowId, part: Part, status: Status): Results {
  const row = results.rows[id];
  return { rows: { ...results.rows, [id]: { ...row, status: { ...row.status, [part]: status } } } };
}
