import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCheckpointFolder, type CheckpointFolder } from '../../../gpu-runner/cli/checkpointFolder.ts';
import { Home } from './runCli.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.make();
});
afterEach(() => home.remove());

const open = (of: string, resume: boolean) => openCheckpointFolder(home.path('c'), of, { resume });
const bytes = (text: string) => [new TextEncoder().encode(text)];
const textOf = async (folder: CheckpointFolder) => Buffer.concat((await folder.load()) ?? []).toString();

test('a checkpoint is found again with the moment the merge began', async () => {
  const first = await open('a', false);
  expect([first.resumed, await first.load()]).toEqual([false, undefined]);
  await first.save(bytes('one'));
  const again = await open('a', true);
  expect(again.resumed).toBe(true);
  expect(again.createdAt).toEqual(first.createdAt);
  expect(await textOf(again)).toBe('one');
  await again.remove();
  expect(existsSync(home.path('c'))).toBe(false);
});

test('checkpoints are not written more often than they are worth', async () => {
  const folder = await open('a', false);
  await folder.save(bytes('one'));
  await folder.save(bytes('two'));
  expect(await textOf(await open('a', true))).toBe('one');
  const often = await openCheckpointFolder(home.path('c'), 'a', { resume: true, pauseMs: 0 });
  await often.save(bytes('three'));
  await often.save(bytes('four'));
  expect(await textOf(often)).toBe('four');
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

test('a checkpoint that cannot be written is told once, and the one before stays', async () => {
  const told: string[] = [];
  const warn = (text: string): void => void told.push(text);
  const folder = await openCheckpointFolder(home.path('c'), 'a', { resume: false, pauseMs: 0, warn });
  await folder.save(bytes('one'));
  // A folder in the way of what is written.
  await mkdir(home.path('c', 'checkpoint.partial', 'full'), { recursive: true });
  await folder.save(bytes('two'));
  await folder.save(bytes('three'));
  expect(told).toEqual([
    expect.stringMatching(/^Goes on without new checkpoints: Cannot write 3 bytes to .*checkpoint: EISDIR/),
  ]);
  expect([folder.isThere(), await textOf(await open('a', true))]).toEqual([true, 'one']);
  await rm(home.path('c', 'checkpoint.partial'), { recursive: true });
  await folder.save(bytes('four'));
  expect(await textOf(await open('a', true))).toBe('four');
});

test('where not even the folder can be made, there is nothing to go on from', async () => {
  const told: string[] = [];
  await writeFile(home.path('c'), 'a file');
  const folder = await openCheckpointFolder(home.path('c', 'in'), 'a', {
    resume: false,
    warn: (text) => void told.push(text),
  });
  await folder.save(bytes('one'));
  expect([told.length, folder.isThere()]).toEqual([1, false]);
});

test.each(['{"createdAt": "2026-0', '{"of":"a"}', ''])(
  'a damaged merge.json (%j) is refused with its path and the way out',
  async (text) => {
    await (await open('a', false)).save(bytes('one'));
    await writeFile(home.path('c', 'merge.json'), text);
    await expect(open('a', true)).rejects.toThrow(
      `Cannot go on: ${home.path('c', 'merge.json')} is damaged, or of another version: `,
    );
    await expect(open('a', true)).rejects.toHaveProperty('next', `delete ${home.path('c')} to begin anew`);
  },
);

test('the bundle that is being written is remembered, and what was left of it half-way goes', async () => {
  const first = await open('a', false);
  await first.save(bytes('one'));
  await first.writing('b'.repeat(64));
  await mkdir(first.partial);
  await writeFile(home.path('c', 'bundle.partial', 'head.onnx'), 'half');
  await writeFile(home.path('c', 'notes.txt'), 'mine');
  const again = await open('a', true);
  expect([again.resumed, again.bundle, again.createdAt]).toEqual([true, 'b'.repeat(64), first.createdAt]);
  expect(existsSync(first.partial)).toBe(false);
  await again.remove();
  expect(await readdir(home.path('c'))).toEqual(['notes.txt']);
});
