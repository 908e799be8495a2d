import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPieces } from '../../../gpu-runner/data/readPieces.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'trunkline-read-'))));
afterAll(() => rm(folder, { recursive: true }));

it('readPieces() reads a file in pieces of the size it is told, the last as long as the rest', async () => {
  const path = join(folder, 'state');
  await writeFile(path, Uint8Array.of(1, 2, 3, 4, 5));
  expect(await readPieces(path, 2)).toEqual([[1, 2], [3, 4], [5]].map((piece) => Uint8Array.from(piece)));
  expect(await readPieces(path, 5)).toEqual([Uint8Array.of(1, 2, 3, 4, 5)]);
  expect(await readPieces(path)).toEqual([Uint8Array.of(1, 2, 3, 4, 5)]);
});

it('readPieces() reads an empty file as no pieces, and refuses what is not there', async () => {
  await writeFile(join(folder, 'empty'), '');
  expect(await readPieces(join(folder, 'empty'))).toEqual([]);
  await expect(readPieces(join(folder, 'none'))).rejects.toThrow('ENOENT');
});
