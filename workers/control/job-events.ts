import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { TrunklineError } from '../../shared/errors.ts';
import { isFinal } from '../../shared/jobs.ts';
import { viewOfEvent } from '../domain/jobs/view-of-job.ts';
import type { Database } from '../store/database.ts';
import { listEvents } from '../store/jobs.ts';
import type { ControlEnv } from './context.ts';

export interface EventPace {
  /** Milliseconds between two looks at the database. */
  pollMs: number;
  /** Looks until the stream ends and the client comes again: a request on the free plan may ask D1 50 times. */
  polls: number;
  /** Looks without news after which a comment says that the stream is alive. */
  quietPolls: number;
}

const usual: EventPace = { pollMs: 1_000, polls: 40, quietPolls: 10 };

/** Milliseconds a client waits before it comes again. */
const comeAgainMs = 1_000;

/**
 * A job's events as server-sent events, from the one after `Last-Event-ID` on, until the job has ended or the client is to
 * come again. Who comes again after the end is told to stop (204, as the standard has it).
 */
export async function streamEvents(
  c: Context<ControlEnv>,
  db: Database,
  job: string,
  { pollMs, polls, quietPolls }: EventPace = usual,
): Promise<Response> {
  let last = lastEventId(c);
  let { rows } = await listEvents(db, job, last);
  if (rows.length === 0 && (await endedBy(db, job, last))) return c.body(null, 204);
  const response = streamSSE(c, async (stream) => {
    await stream.write(`retry: ${comeAgainMs}\n\n`);
    let quiet = 0;
    for (let poll = 0; poll < polls && !stream.aborted; poll++) {
      if (poll > 0) {
        await stream.sleep(pollMs);
        ({ rows } = await listEvents(db, job, last));
      }
      for (const row of rows) {
        const event = viewOfEvent(row);
        last = event.sequence;
        await stream.writeSSE({ id: String(last), event: event.type, data: JSON.stringify(event) });
        if (event.type === 'state' && isFinal(event.data.state)) return;
      }
      quiet = rows.length === 0 ? quiet + 1 : 0;
      if (quiet > 0 && quiet % quietPolls === 0) await stream.write(': nothing new\n\n');
    }
  });
  // Nobody on the way may keep it, or hold it back to compress it.
  response.headers.set('Cache-Control', 'no-store, no-transform');
  return response;
}

function lastEventId(c: Context<ControlEnv>): number {
  const id = c.req.header('last-event-id') ?? '';
  if (id === '') return 0;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new TrunklineError('invalid', `Cannot go on after event "${id}": it is not a number.`);
}

/** Whether the job's last event is not after `last`, and an end. */
async function endedBy(db: Database, job: string, last: number): Promise<boolean> {
  const { rows } = await listEvents(db, job, Math.max(0, last - 1));
  return rows.some((row) => row.sequence === last && 'state' in row.data && isFinal(row.data.state));
}
