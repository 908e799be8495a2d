import { expect, test } from 'vitest';
import { Serial } from '../../../workers/edge/serial.ts';

test('Serial runs one piece of work at a time, in order', async () => {
  const serial = new Serial();
  const log: string[] = [];
  const piece = (name: string) => async (): Promise<string> => {
    log.push(`${name} starts`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    log.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all([serial.run(piece('a')), serial.run(piece('b'))]);
  expect(results).toEqual(['a', 'b']);
  expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
});

test('Serial tells a failure to its own caller only', async () => {
  const serial = new Serial();
  const failing = serial.run(() => Promise.reject(new Error('no')));
  const next = serial.run(() => Promise.resolve('yes'));
  await expect(failing).rejects.toThrow('no');
  await expect(next).resolves.toBe('yes');
});
