import { explainIssues } from '../../shared/explain-issues.ts';
import type { ReplayReply } from '../../shared/experiment-api.ts';
import { exposureBatch } from '../../shared/exposure.ts';
import { recordAudit } from '../store/audit.ts';
import { deleteDeadLetter, keepDeadLetter, listDeadLetters, readDeadLetter } from '../store/dead-letters.ts';
import { insertExposures } from '../store/exposures.ts';
import type { Stores } from '../store/stores.ts';
import type { Change } from './change.ts';

/** A message of the queue. */
export interface Message {
  id: string;
  body: unknown;
}

/**
 * Counts the requests of one message, each once however often it comes. A message nobody can read is put away: trying
 * again would not help.
 *
 * @throws when D1 or R2 fails: nothing of the message is counted then, and it is to be delivered again
 */
export async function countExposures(stores: Stores, message: Message): Promise<void> {
  const parsed = exposureBatch.safeParse(message.body);
  if (parsed.success) await insertExposures(stores.db, parsed.data.exposures);
  else {
    console.error(`message ${message.id} is no batch of exposures: ${explainIssues(parsed.error)}`);
    await putAway(stores, message);
  }
}

/** Keeps a message that could not be counted until it is replayed. */
export async function putAway({ deadLetters }: Stores, { id, body }: Message): Promise<void> {
  await keepDeadLetter(deadLetters, id, body);
}

/** Messages of one replay: each is an object to read, a statement and a deletion. */
const replayedAtOnce = 100;

/** Counts messages that were put away. What is counted is deleted, what nobody can read stays. */
export async function replayExposures(
  stores: Stores,
  after: string | undefined,
  by: Change,
): Promise<ReplayReply> {
  const { deadLetters, db } = stores;
  const { keys, next } = await listDeadLetters(deadLetters, replayedAtOnce, after);
  const reply: ReplayReply = { replayed: 0, requests: 0, unreadable: {}, next };
  for (const key of keys) {
    const text = await readDeadLetter(deadLetters, key);
    if (text === null) continue;
    const parsed = exposureBatch.safeParse(JSON.parse(text));
    if (!parsed.success) {
      reply.unreadable[key] = explainIssues(parsed.error);
      continue;
    }
    reply.requests += await insertExposures(db, parsed.data.exposures);
    await deleteDeadLetter(deadLetters, key);
    reply.replayed += 1;
  }
  if (reply.replayed > 0) {
    const { replayed, requests } = reply;
    await recordAudit(db, {
      ...by,
      action: 'exposures.replay',
      subject: 'exposures',
      detail: { replayed, requests },
    });
  }
  return reply;
}
