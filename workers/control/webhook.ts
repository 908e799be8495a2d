import { toHex } from '../../shared/digest.ts';
import { readProgress, stepsAfter, writeProgress } from '../store/webhook.ts';
import type { Stores } from '../store/stores.ts';

export interface Webhook {
  url: string;
  /** Known to the receiver too. */
  secret: string;
}

/** How long a step is told again when the receiver does not answer. */
const retriedForMs = 3 * 86_400_000;
/** Milliseconds a receiver gets. */
const timeoutMs = 5000;

/**
 * Tells the receiver every step of an experiment and every end of a job that it was not told yet, oldest first, and stops at the first that it
 * does not take: the next call goes on from there. A step may come twice; its `id` is the same then.
 *
 * @returns how many were taken
 */
export async function tellWebhook(
  { db }: Stores,
  { url, secret }: Webhook,
  now: Date,
  send: typeof fetch = fetch,
): Promise<number> {
  const since = new Date(now.getTime() - retriedForMs).toISOString();
  const steps = await stepsAfter(db, await readProgress(db, url), since);
  let taken = 0;
  for (const { sequence, at, project, actor, action, subject, detail } of steps) {
    const about = action.startsWith('job.') ? { job: subject } : { experiment: subject };
    const body = JSON.stringify({ id: sequence, at, actor, action, project, ...about, detail });
    const seconds = Math.floor(now.getTime() / 1000);
    const headers = {
      'Content-Type': 'application/json',
      'X-Trunkline-Signature': `t=${seconds},v1=${await signature(secret, `${seconds}.${body}`)}`,
    };
    try {
      const reply = await send(url, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await reply.body?.cancel();
      if (!reply.ok) throw new Error(`it answered ${reply.status}`);
    } catch (error) {
      console.error(`the webhook did not take step ${sequence} (${action} of ${subject})`, error);
      break;
    }
    await writeProgress(db, url, sequence);
    taken += 1;
  }
  return taken;
}

/** HMAC-SHA256 in hex. The time is signed with the body, so that a receiver can refuse what is sent again later. */
export async function signature(secret: string, text: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytes.encode(secret), algorithm, false, ['sign']);
  return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes.encode(text))));
}
