/**
 * Multi-Task Zipping on real data, beside what was published and beside controls.
 *
 *   node bench/zip.ts [--rows 1,2,3,4,5,6] [--quick] [--repeats 2] [--threads N] [--cache FOLDER] [--results FILE]
 *
 * Rows: see bench/zip/rows; row 6 is the controls of all others. Networks that are trained and merges that are done are
 * kept (.cache/bench-zip), so a run that was stopped goes on where it was; lines go into bench/zip/results.json as they
 * are measured. --quick takes a fiftieth of the steps and 500 held-out samples, chooses nothing and writes no results: it shows that
 * everything runs. Everything is chosen on validation samples and reported on test samples.
 */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { missingData } from './data.ts';
import type { Context } from './zip/context.ts';
import { Jobs } from './zip/jobs.ts';
import { commandOf } from './zip/provenance.ts';
import { tableOf } from './zip/report.ts';
import { allNames } from './zip/listing.ts';
import {
  asRowsAre,
  readResults,
  withBegun,
  withFinished,
  withLine,
  writeResults,
  type RowId,
} from './zip/results.ts';
import { rows } from './zip/rows/rows.ts';
import { Tasks } from './zip/tasks.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1,2,3,4,5,6' },
    quick: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(Math.min(2, cpus().length)) },
    repeats: { type: 'string', default: '2' },
    cache: { type: 'string' },
    results: { type: 'string' },
  },
});
const repository = join(import.meta.dirname, '..');
const missing = missingData();
if (missing !== null) {
  console.log(missing);
  process.exit(0);
}
const wanted = values.rows.split(',');
const unknown = wanted.find((id) => !(id in rows) && id !== '6');
if (unknown !== undefined)
  throw new Error(
    `Cannot run row "${unknown}": there are ${Object.keys(rows).join(', ')} and 6, their controls`,
  );

const log = (line: string): void => {
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
};
const cache = values.cache ?? join(repository, '.cache/bench-zip');
const run = {
  machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  node: process.version,
  command: commandOf('bench:zip', process.argv.slice(2)),
  load: Number((loadavg()[0] ?? 0).toFixed(1)),
};
const count = z.coerce.number().int().min(1);
const tasks = new Tasks();
const context: Context = {
  jobs: new Jobs(cache, log, join(repository, 'bench/zip/nets'), run),
  tasks,
  threads: count.parse(values.threads),
  repeats: values.quick ? 1 : count.parse(values.repeats),
  quick: values.quick,
  log,
};
const path =
  values.results ?? (values.quick ? join(cache, 'quick.json') : join(repository, 'bench/zip/results.json'));

let results = asRowsAre(await readResults(path), await allNames(rows, context));
for (const id of Object.keys(rows) as RowId[]) {
  const row = rows[id];
  const parts = [
    ...(wanted.includes(id) ? (['lines'] as const) : []),
    ...(wanted.includes('6') ? (['controls'] as const) : []),
  ];
  for (const part of parts) {
    log(`row ${id}, ${part}: ${row.title}`);
    results = withBegun(results, id, part);
    const names: string[] = [];
    for await (const line of row[part](context)) {
      names.push(line.what);
      results = withLine(results, id, part, line);
      await writeResults(path, results);
      log(`  ${line.what}: ${line.separate.toFixed(2)} -> ${line.ours.toFixed(2)} %`);
    }
    results = withFinished(results, id, part, names);
    await writeResults(path, results);
  }
  tasks.clear();
}

for (const id of Object.keys(rows) as RowId[]) {
  const { lines, controls, status } = results.rows[id];
  console.log(
    `\n${id}. ${rows[id].title} (${status.lines}; controls ${status.controls})\n   ${rows[id].setting}`,
  );
  const measured = [...lines, ...controls.map((line) => ({ ...line, what: `control: ${line.what}` }))];
  if (measured.length > 0) console.log(tableOf(measured));
}
