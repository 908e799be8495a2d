import { TrunklineError } from '../../shared/errors.ts';
import type { Outcome, OutcomesReply } from '../../shared/experiment-api.ts';
import { hashUnit } from '../../shared/exposure.ts';
import { endpointsOfOthers } from '../store/endpoints.ts';
import { findContradicted, insertOutcomes, type OutcomeRow } from '../store/outcomes.ts';
import type { Stores } from '../store/stores.ts';

/**
 * Keeps what came of requests and units. The first outcome of each and task stands, so sending a list again is harmless;
 * they may be known before the request that they speak of, or days after. Units are those of the project's endpoints;
 * whoever knows the id of a request is the one who got it.
 *
 * @throws {TrunklineError} `not-found` when an endpoint is of another project
 */
export async function recordOutcomes(
  { db }: Stores,
  project: string,
  outcomes: readonly Outcome[],
  now: string,
): Promise<OutcomesReply> {
  const endpoints = outcomes.flatMap((outcome) => ('endpoint' in outcome ? [outcome.endpoint] : []));
  const [foreign] = await endpointsOfOthers(db, project, endpoints);
  if (foreign !== undefined) {
    throw new TrunklineError('not-found', `Cannot record outcomes: there is no endpoint "${foreign}".`);
  }
  const rows = await Promise.all(outcomes.map((outcome) => rowOf(outcome, now)));
  const accepted = await insertOutcomes(db, rows);
  return {
    accepted,
    repeated: rows.length - accepted,
    contradicted: accepted === rows.length ? [] : await findContradicted(db, rows),
  };
}

async function rowOf(outcome: Outcome, now: string): Promise<OutcomeRow> {
  const { task, truth, reward, at } = outcome;
  const said = {
    task,
    truth: truth === undefined ? null : [truth].flat(),
    reward: reward ?? null,
    at: at ?? now,
  };
  return 'requestId' in outcome
    ? { kind: 'request', subject: outcome.requestId, ...said }
    : { kind: 'unit', subject: await hashUnit(outcome.endpoint, outcome.unit), ...said };
}
