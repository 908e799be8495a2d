import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeWorkFolder, removeAbandoned } from '../../../gpu-runner/runner/workFolders.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'trunkline-folders-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const host = hostname().replaceAll('~', '-');
const make = async (name: string): Promise<void> => {
  await mkdir(join(parent, name));
  await writeFile(join(parent, name, 'file'), 'x');
};

it('removeAbandoned() removes the folders of processes that are gone, and of this one before it began', async () => {
  const mine = await makeWorkFolder(parent);
  const { pid } = spawnSync(process.execPath, ['--version']);
  await make(`${host}~${pid}~dead`);
  await make(`${host}~${process.pid}~before`);
  await utimes(join(parent, `${host}~${process.pid}~before`), 1, 1);
  await make(`${host}~${process.ppid}~alive`);
  await removeAbandoned(parent);
  expect((await readdir(parent)).sort()).toEqual([basename(mine), `${host}~${process.ppid}~alive`].sort());
});

it('removeAbandoned() leaves the folders of other machines alone for a week', async () => {
  await make('elsewhere~1~fresh');
  await make('elsewhere~1~old');
  await utimes(join(parent, 'elsewhere~1~old'), 1, 1);
  await removeAbandoned(parent);
  expect(await readdir(parent)).toEqual(['elsewhere~1~fresh']);
});

it('removeAbandoned() has nothing to do where there is no folder yet', async () => {
  await expect(removeAbandoned(join(parent, 'none'))).resolves.toBeUndefined();
});
