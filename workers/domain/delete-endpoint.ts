import { TrunklineError } from '../../shared/errors.ts';
import { isDuplicate } from '../store/database.ts';
import { findEndpoint, insertEnd, isServing } from '../store/endpoints.ts';
import type { Stores } from '../store/stores.ts';
import { projectOf, type Change } from './change.ts';
import { publishEndpoint } from './publish-endpoint.ts';
import { refuseDuringExperiment } from './set-endpoint.ts';

/**
 * Deletes an endpoint and its history; its bundles can then be deleted too. The rows go first, then what the edge reads: a
 * request that fails in between is simply repeated, and the schedule repeats it too.
 *
 * @throws {TrunklineError} `not-found`; `conflict` when an experiment on it is not over or it is changed at the same time
 */
export async function deleteEndpoint(stores: Stores, endpoint: string, by: Change): Promise<void> {
  const project = projectOf(by);
  const current = await findEndpoint(stores.db, endpoint);
  if (current?.project !== project || (!isServing(current) && current.publishedAt !== null)) {
    throw new TrunklineError('not-found', `Cannot delete endpoint "${endpoint}": there is none.`);
  }
  if (isServing(current)) {
    await refuseDuringExperiment(stores, endpoint, 'delete');
    const revision = current.revision + 1;
    const row = { endpoint, revision, project, createdAt: by.at, createdBy: by.actor };
    const detail = { revision, tasks: current.tasks };
    try {
      await insertEnd(stores.db, row, { ...by, action: 'endpoint.delete', subject: endpoint, detail });
    } catch (cause) {
      if (!isDuplicate(cause)) throw cause;
      throw new TrunklineError(
        'conflict',
        `Cannot delete endpoint "${endpoint}": it was changed at the same time.`,
        { cause },
      );
    }
  }
  await publishEndpoint(stores, endpoint, by.at);
}
