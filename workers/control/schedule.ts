import { TrunklineError } from '../../shared/errors.ts';
import { evaluateExperiment } from '../domain/evaluate-experiment.ts';
import { finishPublishing, sweepJobs } from '../domain/jobs/sweep-jobs.ts';
import { publishEndpoint } from '../domain/publish-endpoint.ts';
import { sweepUploads } from '../domain/uploads/sweep-uploads.ts';
import { listUntold } from '../store/endpoints.ts';
import { listRunning, listUnpublished } from '../store/experiments.ts';
import { sweepRunners } from '../store/runners.ts';
import { sweepTraffic } from '../store/traffic.ts';
import { readEnv, type Env } from './env.ts';
import { openServices } from './services.ts';
import { tellWebhook } from './webhook.ts';

/**
 * What is done every minute: every running experiment is judged, leases that ran out are taken back, what was broken off
 * while it was published is published, endpoints the edge was not told of too, uploads that waited too long and old
 * counts are deleted, the webhook hears what it missed. One that fails does not keep the others from their turn.
 *
 * @throws {AggregateError} of what failed, for the platform's log
 */
export async function runSchedule(env: Partial<Env>, now: Date): Promise<void> {
  const { stores, webhook } = openServices(readEnv(env));
  const by = { actor: 'rule', at: now.toISOString() };
  const errors: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // Somebody changed it at the same time: the next minute judges what came of it.
      if (!(error instanceof TrunklineError && error.code === 'conflict')) errors.push(error);
    }
  };
  for (const name of await listRunning(stores.db)) {
    await attempt(() => evaluateExperiment(stores, name, by));
  }
  await attempt(() => sweepJobs(stores, by.at));
  await attempt(() => finishPublishing(stores, by.at));
  const unpublished = [...(await listUnpublished(stores.db)), ...(await listUntold(stores.db))];
  for (const endpoint of new Set(unpublished)) {
    await attempt(() => publishEndpoint(stores, endpoint, by.at));
  }
  await attempt(() => sweepUploads(stores, by.at));
  await attempt(() => sweepTraffic(stores.db, by.at));
  await attempt(() => sweepRunners(stores.db, by.at));
  if (webhook !== null) await attempt(() => tellWebhook(stores, webhook, now));
  if (errors.length > 0) throw new AggregateError(errors, 'The schedule could not do everything');
}
