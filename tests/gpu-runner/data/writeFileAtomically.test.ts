import type * as promises from 'node:fs/promises';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeFileAtomically } from '../../../gpu-runner/data/writeFileAtomically.ts';

/** The next file that is opened for writing takes this many bytes before the disk is full; undefined: any. */
const disk = vi.hoisted(() => ({ room: undefined as number | undefined, failsAtSync: false }));
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof promises>();
  const full = (): Error =>
    Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const open: typeof fs.open = async (path, flags) => {
    const file = await fs.open(path, flags);
    const { room, failsAtSync } = disk;
    if (flags !== 'w') return file;
    if (room !== undefined) {
      file.writeFile = async (bytes) => {
        if (bytes instanceof Uint8Array) await file.write(bytes, 0, Math.min(bytes.length, room));
        throw full();
      };
    }
    if (failsAtSync) file.sync = () => Promise.reject(full());
    return file;
  };
  return { ...fs, open };
});

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'trunkline-write-'))));
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => Object.assign(disk, { room: undefined, failsAtSync: false }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('writeFileAtomically()', () => {
  it('writes a file, and over one', async () => {
    const path = join(folder, 'state');
    for (const text of ['first', 'second, longer', '3']) {
      await writeFileAtomically(path, bytes(text));
      expect(await readFile(path, 'utf8')).toBe(text);
    }
    expect(await readdir(folder)).toEqual(['state']);
  });

  it('writes pieces one after the other', async () => {
    const path = join(folder, 'state');
    await writeFileAtomically(path, [Uint8Array.of(65, 66), new Uint8Array(), Uint8Array.of(67)]);
    expect(await readFile(path, 'utf8')).toBe('ABC');
  });

  it.each([
    ['while it writes', { room: 3 }],
    ['only when it flushes', { failsAtSync: true }],
  ])('keeps the old file whole when the disk is full %s, and says so', async (_, fault) => {
    const path = join(folder, 'state');
    await writeFileAtomically(path, bytes('old'));
    Object.assign(disk, fault);
    const failed = writeFileAtomically(path, bytes('the new one'));
    await expect(failed).rejects.toThrow(
      `Cannot write 11 bytes to ${path}: ENOSPC: no space left on device, write`,
    );
    await expect(failed).rejects.toMatchObject({ cause: { code: 'ENOSPC' } });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['state']);
  });

  it('takes what an earlier crash left beside it for nothing', async () => {
    const path = join(folder, 'state');
    await writeFile(`${path}.partial`, 'half of somethi');
    await writeFileAtomically(path, bytes('whole'));
    expect(await readFile(path, 'utf8')).toBe('whole');
    expect(await readdir(folder)).toEqual(['state']);
  });

  it('refuses a folder that is not there, and a path that is a folder', async () => {
    await expect(writeFileAtomically(join(folder, 'no', 'state'), bytes('x'))).rejects.toThrow(
      /^Cannot write 1 bytes to .*ENOENT/,
    );
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    await expect(writeFileAtomically(join(folder, 'taken'), bytes('x'))).rejects.toThrow(
      /^Cannot write 1 bytes/,
    );
    await rm(join(folder, 'taken'), { recursive: true });
    expect(await readdir(folder)).toEqual(['state']);
  });
});
