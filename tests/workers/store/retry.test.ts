import { expect, test } from 'vitest';
import { TrunklineError } from '../../../shared/errors.ts';
import { asking, retrying } from '../../../workers/store/retry.ts';

/** Fails so many times, then answers how often it was called. */
function failingTimes(times: number, error: Error = new Error('the storage is out of order')) {
  let calls = 0;
  return async (): Promise<number> => {
    calls += 1;
    if (calls <= times) throw error;
    return Promise.resolve(calls);
  };
}
const patience = { attempts: 3, firstDelayMs: 1 };

test('retrying() does work again until it succeeds, and gives up with the last error', async () => {
  expect(await retrying(failingTimes(0), patience)).toBe(1);
  expect(await retrying(failingTimes(2), patience)).toBe(3);
  await expect(retrying(failingTimes(3), patience)).rejects.toThrow('the storage is out of order');
});

test('retrying() takes a refusal for an answer', async () => {
  const refusal = new TrunklineError('conflict', 'Cannot do that.');
  const work = failingTimes(1, refusal);
  await expect(retrying(work, patience)).rejects.toBe(refusal);
  expect(await work()).toBe(2);
});

test('asking() says what could not be done', async () => {
  expect(await asking('look', failingTimes(2))).toBe(3);
  await expect(asking('look', failingTimes(9))).rejects.toMatchObject({
    code: 'unavailable',
    message: 'Cannot look: the storage failed; send the request again.',
    cause: new Error('the storage is out of order'),
  });
});
