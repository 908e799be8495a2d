import { expect, test } from 'vitest';
import type { Tensor } from '../../../shared/tensor.ts';
import { forward, warmUp } from '../../../workers/edge/forward.ts';
import { SessionPool } from '../../../workers/edge/pool.ts';
import { endpointOf, twoTaskManifest } from './fixtures.ts';

const endpoint = endpointOf(twoTaskManifest());
const number = (value: number): Tensor => ({ dtype: 'float32', dims: [1], data: Float32Array.of(value) });

/** Sessions that add what they read to their own number: 100 for the trunk, 10 and 1 for the heads. */
function addingPool() {
  const runs: string[] = [];
  const own = { trunk: 100, digit: 10, fashion: 1 };
  const pool = new SessionPool(({ task, inputs }) =>
    Promise.resolve({
      run: (feeds, wanted) => {
        const name = (task ?? 'trunk') as keyof typeof own;
        runs.push(`${name}: ${Object.keys(feeds).join()} -> ${wanted.join()}`);
        const sum = inputs.reduce((total, input) => total + Number(feeds[input]?.data[0]), own[name]);
        return Promise.resolve(Object.fromEntries(wanted.map((output) => [output, number(sum)])));
      },
      release: () => Promise.resolve(),
    }),
  );
  return { pool, runs };
}

test('forward() runs the trunk once and the heads asked for on what it computed', async () => {
  const { pool, runs } = addingPool();
  const { outputs, steps } = await forward(pool, endpoint, ['fashion', 'digit'], { image: number(1000) });
  expect(outputs.get('fashion')?.data).toEqual(Float32Array.of(1101));
  expect(outputs.get('digit')?.data).toEqual(Float32Array.of(1110));
  expect(runs).toEqual([
    'trunk: image -> features',
    'fashion: features -> fashion_logits',
    'digit: features -> digit_logits',
  ]);
  expect(steps.map(({ what, parts }) => [what, parts])).toEqual([
    ['load', [null, 'fashion', 'digit']],
    ['run', [null]],
    ['run', ['fashion']],
    ['run', ['digit']],
  ]);
});

test('forward() leaves alone what nobody asked for', async () => {
  const { pool, runs } = addingPool();
  const { outputs } = await forward(pool, endpoint, ['digit'], { image: number(0) });
  expect([...outputs.keys()]).toEqual(['digit']);
  expect(runs).toEqual(['trunk: image -> features', 'digit: features -> digit_logits']);
});

test('forward() says what is missing when a head reads what nobody computed', async () => {
  const { pool } = addingPool();
  await expect(forward(pool, endpoint, ['digit'], {})).rejects.toThrow(
    'Cannot run the trunk of bundle bbbbbbbbbbbb: nothing computed "image"',
  );
});

test('warmUp() loads every part and runs none', async () => {
  const { pool, runs } = addingPool();
  await warmUp(pool, endpoint);
  expect(runs).toEqual([]);
  const { steps } = await forward(pool, endpoint, ['digit', 'fashion'], { image: number(0) });
  expect(steps.some((step) => step.what === 'load')).toBe(false);
});
