import { Graph } from '../../gpu-runner/onnx/graph.ts';
import type { Context } from './context.ts';
import type { Done, Jobs } from './jobs.ts';
import { rowIds, type Part, type RowId } from './results.ts';
import type { Row } from './rows/row.ts';
import type { Scores } from './sources.ts';
import type { ZipOutcome } from './zips.ts';

/** Of any job: networks without a task, which lose nothing. */
const nothing: ZipOutcome & Scores = {
  ...{ validation: 1, test: 1, scores: {}, separate: {}, steps: 0 },
  ...{ size: { parameters: 1, macs: 1 }, separateSize: { parameters: 1, macs: 1 } },
  ...{ shares: {}, cost: 0, floorEvents: 0, notes: [] },
};

const done: Done<ZipOutcome & Scores> = {
  ...{ result: nothing, made: { date: '' } },
  graph: () => Promise.resolve(new Graph('nothing')),
};

/** Does no job, and says that each is done. */
const noJobs: Pick<Jobs, 'run'> = {
  // It has what any job of a row results in.
  run: () => Promise.resolve(done) as never,
};

/**
 * What a row's lines are called, without measuring any. Where what is done next depends on what was lost, the least: a row
 * that is finished has these and may have more.
 */
async function namesOf(row: Row, part: Part, context: Context): Promise<string[]> {
  const names: string[] = [];
  for await (const { what } of row[part]({ ...context, jobs: noJobs })) names.push(what);
  return names;
}

/** Of all rows. */
export async function allNames(
  rows: Readonly<Record<RowId, Row>>,
  context: Context,
): Promise<Record<RowId, Record<Part, string[]>>> {
  const names = {} as Record<RowId, Record<Part, string[]>>;
  for (const id of rowIds)
    names[id] = {
      lines: await namesOf(rows[id], 'lines', context),
      controls: await namesOf(rows[id], 'controls', context),
    };
  return names;
}
