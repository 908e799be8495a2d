import type { EndpointView, RevisionView, SetEndpointRequest } from '../../shared/api.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { isDuplicate, isMissingReference } from '../store/database.ts';
import { findEndpoint, insertRevision, isServing, type EndpointRevisionRow } from '../store/endpoints.ts';
import { experimentsOf } from '../store/experiments.ts';
import type { Stores } from '../store/stores.ts';
import { projectOf, type Change } from './change.ts';
import { publishEndpoint } from './publish-endpoint.ts';
import { findUnservable } from './unservable.ts';

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
 *   rest; `conflict` when the endpoint is of another project or at another revision than `from`, is changed at the same
 *   time or has an experiment on it that is not over
 */
export async function setEndpoint(
  stores: Stores,
  change: EndpointChange,
  by: Change,
): Promise<{ created: boolean; endpoint: EndpointView }> {
  const project = projectOf(by);
  const current = await findEndpoint(stores.db, change.endpoint);
  const revision = current?.revision ?? 0;
  if (current !== undefined && isServing(current) && current.project !== project) {
    throw new TrunklineError(
      'conflict',
      `Cannot set endpoint "${change.endpoint}": the name is taken by another project.`,
    );
  }
  const seen = current !== undefined && isServing(current) ? revision : 0;
  if (change.from !== undefined && change.from !== seen) {
    throw new TrunklineError(
      'conflict',
      `Cannot set endpoint "${change.endpoint}": it is at revision ${seen}, the change was made from ${change.from}.`,
    );
  }
  if (current === undefined || !sameTasks(current.tasks, change.tasks)) {
    await refuseDuringExperiment(stores, change.endpoint);
    const why = await findUnservable(stores.db, project, Object.entries(change.tasks));
    if (why !== null) {
      throw new TrunklineError('unprocessable', `Cannot set endpoint "${change.endpoint}": ${why}.`);
    }
    await addRevision(stores, { ...change, project }, revision + 1, by);
  }
  const published = await publishEndpoint(stores, change.endpoint, by.at);
  return { created: current === undefined || !isServing(current), endpoint: viewOfEndpoint(published) };
}

/** An experiment compares with what the endpoint serves: that must not change under it. */
export async function refuseDuringExperiment(
  stores: Stores,
  endpoint: string,
  doing: 'set' | 'delete' = 'set',
): Promise<void> {
  const experiments = await experimentsOf(stores.db, endpoint);
  const live = experiments.find((row) => row.state === 'running' || row.state === 'paused');
  if (live === undefined) return;
  throw new TrunklineError(
    'conflict',
    `Cannot ${doing} endpoint "${endpoint}": experiment "${live.experiment}" is ${live.state} on it; decide it or roll it back first.`,
  );
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

async function addRevision(
  stores: Stores,
  { endpoint, project, tasks }: EndpointChange & { project: string },
  revision: number,
  by: Change,
): Promise<void> {
  const row = { endpoint, revision, project, tasks, createdAt: by.at, createdBy: by.actor };
  try {
    await insertRevision(stores.db, row, {
      ...by,
      action: 'endpoint.set',
      subject: endpoint,
      detail: { revision, tasks },
    });
  } catch (cause) {
    if (isMissingReference(cause)) {
      throw new TrunklineError(
        'unprocessable',
        `Cannot set endpoint "${endpoint}": a bundle was deleted at the same time.`,
        { cause },
      );
    }
    if (!isDuplicate(cause)) throw cause;
    throw new TrunklineError(
      'conflict',
      `Cannot set endpoint "${endpoint}": somebody else made revision ${revision} at the same time.`,
      { cause },
    );
  }
}

export function sameTasks(a: Record<string, string>, b: Record<string, string>): boolean {
  const tasks = Object.keys(a);
  return tasks.length === Object.keys(b).length && tasks.every((task) => a[task] === b[task]);
}
