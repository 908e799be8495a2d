import { expect, test } from 'vitest';
import { jobEvents } from '../../client/events.ts';
import { HttpClient } from '../../client/http.ts';
import type { JobEvent } from '../../shared/jobs.ts';
import { fakeService, refusal } from './fakeService.ts';

const time = '2026-01-01T00:00:00Z';
const progress = (sequence: number, step: number): JobEvent => ({
  ...{ sequence, at: time, type: 'progress' },
  data: { stage: 'retrain', step, at: time },
});
const state = (sequence: number, value: 'leased' | 'succeeded'): JobEvent => ({
  ...{ sequence, at: time, type: 'state' },
  data: { state: value, attempts: 0, token: 1, runner: 'r', reason: null },
});
const message = (event: JobEvent): string =>
  `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** A stream whose text comes in pieces of `size` characters, and breaks at the end when it is told to. */
function stream(text: string, size = 7, breaks = false): Response {
  let at = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (at < text.length) controller.enqueue(new TextEncoder().encode(text.slice(at, (at += size))));
        else if (breaks) controller.error(new Error('reset'));
        else controller.close();
      },
    }),
    { headers: { 'content-type': 'text/event-stream' } },
  );
}

async function collect(events: AsyncIterable<JobEvent>): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of events) sequences.push(sequence);
  return sequences;
}

test('jobEvents() goes on after the last event when a stream ends, and ends with the job', async () => {
  const first = `retry: 1\n: heartbeat\n\n${message(state(1, 'leased'))}${message(progress(2, 10))}`;
  const second = `retry: 1\n${message(progress(2, 10))}${message(progress(3, 20))}${message(state(4, 'succeeded'))}`;
  const { asked, options } = fakeService([() => stream(first), () => stream(second)]);
  expect(await collect(jobEvents(new HttpClient(options), 'job'))).toEqual([1, 2, 3, 4]);
  expect(asked.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, '2']);
  expect(asked[0]?.url.pathname).toBe('/v1/jobs/job/events');
});

test('jobEvents() survives a connection that breaks in the middle of an event', async () => {
  const cut = `retry: 1\n\n${message(state(1, 'leased'))}${message(progress(2, 1)).slice(0, 20)}`;
  const { options } = fakeService([
    () => stream(cut, 5, true),
    () => stream(message(progress(2, 1)) + message(state(3, 'succeeded'))),
  ]);
  expect(await collect(jobEvents(new HttpClient(options), 'job'))).toEqual([1, 2, 3]);
});

test('jobEvents() gives up when the stream breaks again and again, and when the service refuses', async () => {
  const { asked, options } = fakeService(() => stream('retry: 1\n\n', 100, true));
  await expect(collect(jobEvents(new HttpClient(options), 'job'))).rejects.toThrow(
    /^Cannot follow job job: its stream broke 10 times/,
  );
  expect(asked).toHaveLength(10);
  const refused = fakeService(() => refusal(404, 'not-found', 'There is no such job.'));
  await expect(collect(jobEvents(new HttpClient(refused.options), 'job'))).rejects.toThrow(
    'There is no such job.',
  );
});

test('jobEvents() stops when it is told to', async () => {
  const stop = new AbortController();
  const { options } = fakeService(() => stream(`retry: 1\n${message(progress(1, 1))}`));
  const events = jobEvents(new HttpClient(options), 'job', { signal: stop.signal });
  expect((await events.next()).value).toMatchObject({ sequence: 1 });
  stop.abort();
  await expect(events.next()).rejects.toThrow('aborted');
});

test('jobEvents() waits while the service is away', async () => {
  const away = (): never => {
    throw new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') });
  };
  const { asked, options } = fakeService([
    () => stream(`retry: 1\n${message(state(1, 'leased'))}`),
    away,
    () => refusal(503, 'unavailable', 'Starting.'),
    () => stream(message(state(2, 'succeeded'))),
  ]);
  expect(await collect(jobEvents(new HttpClient({ ...options, attempts: 1 }), 'job'))).toEqual([1, 2]);
  expect(asked.at(-1)?.headers.get('last-event-id')).toBe('1');
});
