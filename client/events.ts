import { createParser } from 'eventsource-parser';
import { isFinal, jobEvent, type JobEvent } from '../shared/jobs.ts';
import { ApiError, wait, type HttpClient } from './http.ts';

/** Before a stream that ended or broke is asked for again, unless the service says otherwise. */
const reconnectMs = 1000;
/** Times in a row that a stream may break, or not come about, without a single event: the service may be restarting. */
const patience = 10;

/**
 * What happens to a job, live, until it is over. The service ends a stream now and then, and connections break: it goes
 * on after the last event that came, and no event comes twice.
 *
 * @param after the sequence of the last event that is known already
 * @throws {ApiError} when the service refuses, or no event comes after several tries
 */
export async function* jobEvents(
  http: HttpClient,
  id: string,
  { after = 0, signal }: { after?: number; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<JobEvent, void, void> {
  let last = after;
  let pauseMs = reconnectMs;
  for (let failures = 0; ;) {
    signal?.throwIfAborted();
    try {
      const response = await http.send({
        method: 'GET',
        path: ['v1', 'jobs', id, 'events'],
        headers: { accept: 'text/event-stream', ...(last > 0 && { 'last-event-id': String(last) }) },
        signal,
      });
      for await (const event of parse(response, (ms) => (pauseMs = ms))) {
        if (event.sequence <= last) continue;
        last = event.sequence;
        failures = 0;
        yield event;
        if (event.type === 'state' && isFinal(event.data.state)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ApiError && !error.mayPass) throw error;
      failures += 1;
      if (failures >= patience) {
        const why = error instanceof Error ? error.message : String(error);
        throw new ApiError(`Cannot follow job ${id}: its stream broke ${failures} times: ${why}`, 0, null, {
          cause: error,
        });
      }
    }
    await wait(pauseMs, signal);
  }
}

async function* parse(
  response: Response,
  onRetry: (ms: number) => void,
): AsyncGenerator<JobEvent, void, void> {
  if (!response.body) return;
  const ready: JobEvent[] = [];
  const parser = createParser({
    onRetry,
    onEvent({ data }) {
      const parsed = jobEvent.safeParse(JSON.parse(data));
      if (!parsed.success)
        throw new ApiError('The service sent an event this version does not read', 200, null);
      ready.push(parsed.data);
    },
  });
  // Not every browser iterates over streams.
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(value);
      yield* ready.splice(0);
    }
  } finally {
    // Whoever stops listening ends the request.
    await reader.cancel().catch(() => undefined);
  }
}
