import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { stopOnSignals } from '../../../gpu-runner/runner/stopSignals.ts';

function fakeProcess() {
  const codes: number[] = [];
  const events = new EventEmitter();
  const process = Object.assign(events, { exit: (code: number) => codes.push(code) });
  return { events, codes, process: process as unknown as Pick<NodeJS.Process, 'on' | 'off' | 'exit'> };
}

it('stopOnSignals() aborts at the first signal and exits at the second with its code', () => {
  const { events, codes, process } = fakeProcess();
  const lines: string[] = [];
  const { signal } = stopOnSignals(process, (line) => lines.push(line));
  expect(signal.aborted).toBe(false);
  events.emit('SIGTERM', 'SIGTERM');
  expect(signal.aborted).toBe(true);
  expect(codes).toEqual([]);
  expect(lines).toEqual(['SIGTERM: ending after what is at hand is put away; once more ends at once']);
  events.emit('SIGTERM', 'SIGTERM');
  events.emit('SIGINT', 'SIGINT');
  expect(codes).toEqual([143, 130]);
});

it('stopOnSignals() lets go of the signals', () => {
  const { events, process } = fakeProcess();
  stopOnSignals(process, () => undefined).release();
  expect(events.eventNames().map((name) => events.listenerCount(name))).toEqual([]);
});
