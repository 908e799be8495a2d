import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Home } from './runCli.ts';
import { writeTinyMerge } from './tinyMerge.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
  await writeTinyMerge(home.folder);
});
afterEach(() => home.remove());

/** Images that would take 2.3 GiB once they are decoded; nothing is decoded before that is known. */
async function writeLargeData(): Promise<string> {
  for (const label of ['a', 'b']) {
    await mkdir(home.path('large', label), { recursive: true });
    for (let n = 0; n < 25; n += 1) await writeFile(home.path('large', label, `${n}.png`), '');
  }
  const path = home.path('large.json');
  const preprocessing = {
    layout: [3, 4096, 4096],
    channels: 'rgb',
    scale: 1,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  };
  await writeFile(path, JSON.stringify({ from: 'large', preprocessing }));
  return path;
}

test('data that take more memory than they may are refused with the option that allows more', async () => {
  const args = ['plan', '--net', `digit=${home.path('digit.onnx')}`];
  args.push('--data', `digit=${await writeLargeData()}`);
  const next = 'Next: the same command with a larger --data-memory <GiB>, where the machine has it';
  for (const [more, allowed] of [
    [[], '2.00 GiB'],
    [['--data-memory', '1'], '1.00 GiB'],
  ] as const) {
    const { status, err } = await home.run([...args, ...more]);
    expect([status, err.split('\n').at(-1)]).toEqual([1, next]);
    expect(err).toContain(`takes 2.34 GiB of memory, but ${allowed} of ${allowed} are left`);
  }
});
