import { countMessage, putAway } from '../domain/count-messages.ts';
import { queues, readEnv, type Env } from './env.ts';
import { openServices } from './services.ts';

/** Seconds until a message that failed comes again: twice as long each time, up to five minutes. */
const retryDelaySeconds = (attempts: number): number => Math.min(300, 2 ** attempts);

/**
 * Takes messages of the edge, each by itself: what fails comes again, alone. A message is acknowledged only after its
 * rows are there, so a consumer that dies in between sees it again, and counts nothing twice.
 */
export async function consume(batch: MessageBatch, env: Partial<Env>): Promise<void> {
  const { stores } = openServices(readEnv(env));
  const now = new Date().toISOString();
  const take = batch.queue === queues.dead ? putAway : countMessage;
  for (const message of batch.messages) {
    try {
      await take(stores, message, now);
      message.ack();
    } catch (error) {
      console.error(`message ${message.id} of ${batch.queue} failed, attempt ${message.attempts}`, error);
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
    }
  }
}
