import { countExposures, putAway } from '../domain/count-exposures.ts';
import { queues, readEnv, type Env } from './env.ts';
import { openServices } from './services.ts';

/** Seconds until a message that failed comes again: twice as long each time, up to five minutes. */
const retryDelaySeconds = (attempts: number): number => Math.min(300, 2 ** attempts);

/**
 * Takes messages of exposures, each by itself: what fails comes again, alone. A message is acknowledged only after its
 * rows are there, so a consumer that dies in between sees it again, and counts nothing twice.
 */
export async function consume(batch: MessageBatch, env: Partial<Env>): Promise<void> {
  const { stores } = openServices(readEnv(env));
  const take = batch.queue === queues.dead ? putAway : countExposures;
  for (const message of batch.messages) {
    try {
      await take(stores, message);
      message.ack();
    } catch (error) {
      console.error(`message ${message.id} of ${batch.queue} failed, attempt ${message.attempts}`, error);
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
    }
  }
}
