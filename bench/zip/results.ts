import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomically } from '../../gpu-runner/data/writeFileAtomically.ts';
import type { Run } from './provenance.ts';
import type { Line } from './report.ts';

export const rowIds = ['1', '2', '3', '4', '5'] as const;
export type RowId = (typeof rowIds)[number];
export type Part = 'lines' | 'controls';
export type Status = 'measured' | 'not finished' | 'not run';

export interface RowResults {
  readonly status: Readonly<Record<Part, Status>>;
  /** Of lines that do not say themselves, which lines of before do not: the run that wrote the last of them, at least. */
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
export function withLine(results: Results, id: RowId, part: Part, line: Line): Results {
  const row = results.rows[id];
  const at = row[part].findIndex(({ what }) => what === line.what);
  const lines = at < 0 ? [...row[part], line] : row[part].with(at, line);
  return withRow(results, id, { ...row, [part]: lines });
}

/** With a part begun anew. It forgets no line: they are replaced as they come. */
export function withBegun(results: Results, id: RowId, part: Part): Results {
  const row = results.rows[id];
  return withRow(results, id, { ...row, status: { ...row.status, [part]: 'not finished' } });
}

/** With a part that has come to its end: lines of before that are none of its lines any more are gone. */
export function withFinished(results: Results, id: RowId, part: Part, names: readonly string[]): Results {
  const row = results.rows[id];
  const lines = names.flatMap((name) => row[part].find(({ what }) => what === name) ?? []);
  return withRow(results, id, { ...row, status: { ...row.status, [part]: 'measured' }, [part]: lines });
}

/**
 * As rows are now: what was measured before a row had all its lines is not finished.
 *
 * @param names of the lines that a row has at the least
 */
export function asRowsAre(
  results: Results,
  names: Readonly<Record<RowId, Readonly<Record<Part, readonly string[]>>>>,
): Results {
  const statusOf = (id: RowId, part: Part): Status => {
    const { status, [part]: lines } = results.rows[id];
    const known = new Set(lines.map(({ what }) => what));
    const isWhole = names[id][part].every((name) => known.has(name));
    return status[part] === 'measured' && !isWhole ? 'not finished' : status[part];
  };
  return rowIds.reduce((changed, id) => {
    const status = { lines: statusOf(id, 'lines'), controls: statusOf(id, 'controls') };
    return withRow(changed, id, { ...changed.rows[id], status });
  }, results);
}

function withRow(results: Results, id: RowId, row: RowResults): Results {
  const isSaid = [...row.lines, ...row.controls].every(({ run }) => run);
  return { rows: { ...results.rows, [id]: { ...row, run: isSaid ? null : row.run } } };
}
