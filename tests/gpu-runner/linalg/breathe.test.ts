import { expect, it } from 'vitest';
import { assign } from '../../../gpu-runner/linalg/assignment.ts';
import { breathe, stoppable } from '../../../gpu-runner/linalg/breathe.ts';
import { cholesky, choleskySolve } from '../../../gpu-runner/linalg/cholesky.ts';
import { matrix } from '../../../gpu-runner/linalg/matrix.ts';

const identity = matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
const stop = new Error('stop');

it('breathe() lets a signal arrive while work goes on, and ends the work with its reason', async () => {
  const controller = new AbortController();
  const work = async (): Promise<never> => {
    setImmediate(() => controller.abort(stop));
    for (;;) await breathe();
  };
  await expect(stoppable(controller.signal, work)).rejects.toBe(stop);
});

it('breathe() is nothing to work beside it that nobody stops', async () => {
  const stopped = expect(stoppable(AbortSignal.abort(stop), breathe)).rejects.toBe(stop);
  await breathe();
  await stoppable(undefined, breathe);
  await stoppable(new AbortController().signal, breathe);
  await stopped;
});

it.each([
  ['assign()', () => assign(identity)],
  ['cholesky()', () => cholesky(identity)],
  ['choleskySolve()', () => choleskySolve(identity, identity)],
])('%s ends when it is to stop', async (_, work: () => Promise<unknown>) => {
  await expect(stoppable(AbortSignal.abort(stop), work)).rejects.toBe(stop);
  await stoppable(new AbortController().signal, work);
});
