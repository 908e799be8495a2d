import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCheckpointFolder } from '../../../gpu-runner/cli/checkpointFolder.ts';
import { Home } from './runCli.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
});
afterEach(() => home.remove());

const open = (of: string, resume: boolean) => openCheckpointFolder(home.path('c'), of, { resume });
const bytes = (text: string) => new TextEncoder().encode(text);

test('a checkpoint is found again with the moment the merge began', async () => {
  const first = await open('a', false);
  expect([first.resumed, await first.load()]).toEqual([false, undefined]);
  await first.save(bytes('one'));
  const again = await open('a', true);
  expect(again.resumed).toBe(true);
  expect(again.createdAt).toEqual(first.createdAt);
  expect(Buffer.from((await again.load()) ?? []).toString()).toBe('one');
  await again.remove();
  expect(existsSync(home.path('c'))).toBe(false);
});

test('checkpoints are not written more often than they are worth', async () => {
  const folder = await open('a', false);
  await folder.save(bytes('one'));
  await folder.save(bytes('two'));
  expect(Buffer.from((await (await open('a', true)).load()) ?? []).toString()).toBe('one');
  const often = await openCheckpointFolder(home.path('c'), 'a', { resume: true, pauseMs: 0 });
  await often.save(bytes('three'));
  await often.save(bytes('four'));
  expect(Buffer.from((await often.load()) ?? []).toString()).toBe('four');
});

test('what an earlier run left is neither used nor lost without being asked', async () => {
  await (await open('a', false)).save(bytes('one'));
  await expect(open('a', false)).rejects.toMatchObject({
    message: expect.stringMatching(/^Cannot begin: an interrupted run left its checkpoints in /) as string,
    next: expect.stringMatching(/^the same command with --resume/) as string,
  });
  await expect(open('other', true)).rejects.toThrow('are of a merge with other networks, data or recipe');
});

test('a run that left nothing to go on from leaves no folder, and is no obstacle', async () => {
  await open('a', false);
  expect(existsSync(home.path('c'))).toBe(false);
  expect((await open('b', false)).resumed).toBe(false);
});
