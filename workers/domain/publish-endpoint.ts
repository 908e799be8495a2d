import { TrunklineError } from '../../shared/errors.ts';
import { published } from '../../shared/experiment.ts';
import type { RoutedExperiment, Routing } from '../../shared/routing.ts';
import { isServing, markPublished, type EndpointRevisionRow } from '../store/endpoints.ts';
import { markExperimentsPublished, readServing, type Serving } from '../store/experiments.ts';
import { deleteRouting, writeRouting } from '../store/publish.ts';
import type { Stores } from '../store/stores.ts';

/** Rounds before giving up on an endpoint that changes faster than it can be published. */
const maxRounds = 5;

/**
 * Tells the edge what an endpoint serves, its newest revision and its running experiments, in one write; of one that was
 * deleted, that it serves nothing. Two changes at once may write in the wrong order, so each looks afterwards whether
 * something newer has come and then writes that: the last one to finish leaves the newest.
 *
 * @throws {TrunklineError} `unavailable` when KV fails; what was served before is still served
 */
export async function publishEndpoint(
  stores: Stores,
  endpoint: string,
  at: string,
): Promise<EndpointRevisionRow> {
  let serving = await readServing(stores.db, endpoint);
  for (let round = 0; serving.revision !== undefined && round < maxRounds; round++) {
    const { revision } = serving.revision;
    const { sequence } = serving;
    if (isServing(serving.revision)) {
      await writeRouting(stores.kv, routingOf(serving.revision, serving.experiments));
    } else await deleteRouting(stores.kv, endpoint);
    await markPublished(stores.db, endpoint, revision, at);
    await markExperimentsPublished(stores.db, endpoint, sequence, at);
    serving = await readServing(stores.db, endpoint);
    if (serving.revision?.revision === revision && serving.sequence === sequence) return serving.revision;
  }
  throw new TrunklineError(
    'unavailable',
    `Cannot publish endpoint "${endpoint}": it keeps changing; try again.`,
  );
}

function routingOf(
  { endpoint, project, revision, tasks }: EndpointRevisionRow,
  experiments: Serving['experiments'],
): Routing {
  const bundles = Object.entries(tasks).map(([task, bundle]) => [task, { bundle }] as const);
  return {
    endpoint,
    project,
    revision,
    tasks: Object.fromEntries(bundles),
    experiments: experiments.flatMap(({ document }): RoutedExperiment[] => {
      const running = published(document);
      return running === null ? [] : [{ ...running, phase: document.phases.length }];
    }),
  };
}
