import { explainIssues } from '../../shared/explain-issues.ts';
import type { ReplayReply } from '../../shared/experiment-api.ts';
import { edgeMessage, requestsOf, type EdgeMessage } from '../../shared/traffic-message.ts';
import { recordAudit } from '../store/audit.ts';
import { deleteDeadLetter, keepDeadLetter, listDeadLetters, readDeadLetter } from '../store/dead-letters.ts';
import { insertExposures } from '../store/exposures.ts';
import type { Stores } from '../store/stores.ts';
import { addTraffic } from '../store/traffic.ts';
import type { Change } from './change.ts';

/** A message of the queue. */
export interface Message {
  id: string;
  body: unknown;
}

/**
 * Counts the requests of one message, exposures of experiments or what an isolate counted itself, each once however often it
 * comes. A message nobody can read is put away: trying again would not help.
 *
 * @throws when D1 or R2 fails: nothing of the message is counted then, and it is to be delivered again
 */
export async function countMessage(stores: Stores, message: Message, now: string): Promise<void> {
  const parsed = edgeMessage.safeParse(message.body);
  if (parsed.success) await count(stores, parsed.data, now);
  else {
    console.error(`message ${message.id} is none of the edge's: ${explainIssues(parsed.error)}`);
    await putAway(stores, message);
  }
}

/** @returns how many of its requests were new */
async function count({ db }: Stores, message: EdgeMessage, now: string): Promise<number> {
  switch (message.format) {
    case 'trunkline.exposures/1':
      return insertExposures(db, message.exposures);
    case 'trunkline.traffic/1': {
      const isNew = await addTraffic(db, message, now);
      return isNew ? message.counts.reduce((sum, one) => sum + requestsOf(one), 0) : 0;
    }
    default:
      return message satisfies never;
  }
}

/** Keeps a message that could not be counted until it is replayed. */
export async function putAway({ deadLetters }: Stores, { id, body }: Message): Promise<void> {
  await keepDeadLetter(deadLetters, id, body);
}

/** Messages of one replay: each is an object to read, a statement and a deletion. */
const replayedAtOnce = 100;

/** Counts messages that were put away. What is counted is deleted, what nobody can read stays. */
export async function replayMessages(
  stores: Stores,
  after: string | undefined,
  by: Change,
): Promise<ReplayReply> {
  const { deadLetters } = stores;
  const { keys, next } = await listDeadLetters(deadLetters, replayedAtOnce, after);
  const reply: ReplayReply = { replayed: 0, requests: 0, unreadable: {}, next };
  for (const key of keys) {
    const text = await readDeadLetter(deadLetters, key);
    if (text === null) continue;
    const parsed = edgeMessage.safeParse(JSON.parse(text));
    if (!parsed.success) {
      reply.unreadable[key] = explainIssues(parsed.error);
      continue;
    }
    reply.requests += await count(stores, parsed.data, by.at);
    await deleteDeadLetter(deadLetters, key);
    reply.replayed += 1;
  }
  if (reply.replayed > 0) {
    const { replayed, requests } = reply;
    await recordAudit(stores.db, {
      ...by,
      action: 'exposures.replay',
      subject: 'exposures',
      detail: { replayed, requests },
    });
  }
  return reply;
}
