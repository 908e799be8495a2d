import type { EndpointView, RevisionView, SetEndpointRequest } from '../../shared/api.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { findBundles } from '../store/bundles.ts';
import { isDuplicate } from '../store/database.ts';
import { findEndpoint, insertRevision, markPublished, type EndpointRevisionRow } from '../store/endpoints.ts';
import { writeRouting } from '../store/publish.ts';
import type { Stores } from '../store/stores.ts';
import { findDisagreement } from './agreement.ts';
import type { Change } from './change.ts';

export interface EndpointChange extends SetEndpointRequest {
  endpoint: string;
  /** The revision this change was made from (0: none); another one is a conflict. Undefined: whatever is there. */
  from?: number;
}

/**
 * Says which bundle answers each task of an endpoint. The new revision is a row first and the edge's snapshot last:
 * until that is written, the edge serves what it served before. The tasks it has already make no new revision, but are
 * published again, so a request that failed on its way can simply be repeated.
 *
 * @throws {TrunklineError} `unprocessable` for a bundle that is unknown, lacks the task or reads other inputs than the
 *   rest; `conflict` when the endpoint is at another revision than `from`, or is changed at the same time
 */
export async function setEndpoint(
  stores: Stores,
  change: EndpointChange,
  by: Change,
): Promise<{ created: boolean; endpoint: EndpointView }> {
  const current = await findEndpoint(stores.db, change.endpoint);
  const revision = current?.revision ?? 0;
  if (change.from !== undefined && change.from !== revision) {
    throw new TrunklineError(
      'conflict',
      `Cannot set endpoint "${change.endpoint}": it is at revision ${revision}, the change was made from ${change.from}.`,
    );
  }
  if (current === undefined || !sameTasks(current.tasks, change.tasks)) {
    await checkTasks(stores, change);
    await addRevision(stores, change, revision + 1, by);
  }
  const published = await publishCurrent(stores, change.endpoint, by);
  return { created: current === undefined, endpoint: viewOfEndpoint(published) };
}

export const viewOfRevision = (row: EndpointRevisionRow): RevisionView => ({
  revision: row.revision,
  tasks: row.tasks,
  createdAt: row.createdAt,
  createdBy: row.createdBy,
  publishedAt: row.publishedAt,
});

export const viewOfEndpoint = (row: EndpointRevisionRow): EndpointView => ({
  name: row.endpoint,
  ...viewOfRevision(row),
});

async function checkTasks(stores: Stores, { endpoint, tasks }: EndpointChange): Promise<void> {
  const refuse = (why: string): never => {
    throw new TrunklineError('unprocessable', `Cannot set endpoint "${endpoint}": ${why}.`);
  };
  const rows = await findBundles(stores.db, [...new Set(Object.values(tasks))]);
  const bundles = new Map(rows.map((row) => [row.id, row]));
  const readers = Object.entries(tasks).map(([task, id]) => {
    const bundle = bundles.get(id) ?? refuse(`bundle ${id} of task "${task}" is not published`);
    if (!bundle.tasks.includes(task)) {
      refuse(`bundle ${id} ("${bundle.name}") has no head "${task}", it has ${bundle.tasks.join(', ')}`);
    }
    return { task, inputs: bundle.inputs };
  });
  const [first, ...others] = readers;
  for (const other of others) {
    const why = first && findDisagreement(first, other);
    if (why) refuse(why);
  }
}

async function addRevision(
  stores: Stores,
  { endpoint, tasks }: EndpointChange,
  revision: number,
  by: Change,
): Promise<void> {
  const row = { endpoint, revision, tasks, createdAt: by.at, createdBy: by.actor };
  try {
    await insertRevision(stores.db, row, {
      ...by,
      action: 'endpoint.set',
      subject: endpoint,
      detail: { revision, tasks },
    });
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause;
    throw new TrunklineError(
      'conflict',
      `Cannot set endpoint "${endpoint}": somebody else made revision ${revision} at the same time.`,
      { cause },
    );
  }
}

/** Rounds before giving up on an endpoint that changes faster than it can be published. */
const maxRounds = 5;

/**
 * Writes the newest revision to the edge. Two changes at once may write in the wrong order, so each looks afterwards
 * whether a newer revision has come and then writes that: the last one to finish leaves the newest.
 */
async function publishCurrent(stores: Stores, endpoint: string, by: Change): Promise<EndpointRevisionRow> {
  let row = await findEndpoint(stores.db, endpoint);
  for (let round = 0; row !== undefined && round < maxRounds; round++) {
    const { revision } = row;
    const tasks = Object.entries(row.tasks).map(([task, bundle]) => [task, { bundle }] as const);
    await writeRouting(stores.kv, { endpoint, revision, tasks: Object.fromEntries(tasks) });
    await markPublished(stores.db, endpoint, revision, by.at);
    row = await findEndpoint(stores.db, endpoint);
    if (row?.revision === revision) return row;
  }
  throw new TrunklineError(
    'unavailable',
    `Cannot publish endpoint "${endpoint}": it keeps changing; try again.`,
  );
}

function sameTasks(a: Record<string, string>, b: Record<string, string>): boolean {
  const tasks = Object.keys(a);
  return tasks.length === Object.keys(b).length && tasks.every((task) => a[task] === b[task]);
}
