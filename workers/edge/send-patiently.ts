import type { EdgeMessage } from '../../shared/traffic-message.ts';
import { limits } from './limits.ts';

/** A queue, to its producer. */
export interface Sender {
  send(message: EdgeMessage, options: { contentType: 'json' }): Promise<unknown>;
}

/** Sends a message, after a failure a few times more. Null when it went, otherwise why it did not: it never throws. */
export async function sendPatiently(
  queue: Sender,
  message: EdgeMessage,
  wait: (ms: number) => Promise<void>,
): Promise<{ cause: unknown } | null> {
  for (const pauseMs of [...limits.sendRetryMs, null]) {
    try {
      await queue.send(message, { contentType: 'json' });
      return null;
    } catch (cause) {
      if (pauseMs === null) return { cause };
      await wait(pauseMs);
    }
  }
  return null;
}
