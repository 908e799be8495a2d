import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sealBundle } from '../../../gpu-runner/bundle/bundle.ts';
import { readBundle } from '../../../gpu-runner/bundle/readBundle.ts';
import { writeBundle } from '../../../gpu-runner/bundle/writeBundle.ts';
import { fakeBundle } from './fakeBundle.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bundle test '));
  folder = join(root, 'bundles', 'fake');
});
afterEach(() => rm(root, { recursive: true }));

it('readBundle() reads what writeBundle() wrote, to the byte', async () => {
  const bundle = fakeBundle();
  await writeBundle(folder, bundle);
  const back = await readBundle(folder);
  expect(back.id).toBe(bundle.id);
  expect(back.manifest).toEqual(bundle.manifest);
  expect(back.manifestBytes).toEqual(bundle.manifestBytes);
  expect(new Map(back.files)).toEqual(bundle.files);
});

it('writeBundle() leaves the bundle and nothing else', async () => {
  await writeBundle(folder, fakeBundle());
  expect(await readdir(join(root, 'bundles'))).toEqual(['fake']);
  expect((await readdir(folder)).sort()).toEqual(['head-digit.onnx', 'head-digit.weights', 'manifest.json']);
});

it('writeBundle() refuses to write over a folder', async () => {
  await mkdir(folder, { recursive: true });
  await expect(writeBundle(folder, fakeBundle())).rejects.toThrow(`Cannot write bundle ${folder}: it exists`);
  expect(await readdir(folder)).toEqual([]);
});

it('writeBundle() leaves nothing behind when it fails half-way', async () => {
  const bundle = fakeBundle();
  // The second file cannot be written: its path names a folder that is not there.
  const files = new Map([...bundle.files, ['missing/file', new Uint8Array(1)] as const]);
  await expect(writeBundle(folder, { ...bundle, files })).rejects.toThrow(
    /^Cannot write bundle .*fake: Cannot write 1 bytes to .*ENOENT/,
  );
  expect(await readdir(join(root, 'bundles'))).toEqual([]);
});

it('writeBundle() puts it together where it is told, and takes what lies there for nothing', async () => {
  const partial = join(root, 'own', 'partial');
  await mkdir(partial, { recursive: true });
  await writeFile(join(partial, 'left-behind'), 'x');
  await writeBundle(folder, fakeBundle(), partial);
  expect([await readdir(join(root, 'own')), await readdir(join(root, 'bundles'))]).toEqual([[], ['fake']]);
  expect(await readdir(folder)).not.toContain('left-behind');
});

it('writeBundle() lets one of two writers win, whole', async () => {
  const [one, other] = [fakeBundle(), fakeBundle({ 'head-digit.onnx': 'another' })];
  const results = await Promise.allSettled([writeBundle(folder, one), writeBundle(folder, other)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect([one.id, other.id]).toContain((await readBundle(folder)).id);
  expect(await readdir(join(root, 'bundles'))).toEqual(['fake']);
});

describe('readBundle() refuses', () => {
  const spoil: [string, string | null, string, RegExp][] = [
    ['a folder without a manifest', null, 'manifest.json', /manifest\.json is missing$/],
    ['a manifest that is not JSON', '{"format":', 'manifest.json', /manifest\.json is not JSON$/],
    [
      'a manifest of another format',
      '{"format":"x"}',
      'manifest.json',
      /its manifest is not valid: format: /,
    ],
    ['a missing file', null, 'head-digit.weights', /head-digit\.weights is missing$/],
    ['a file that was cut', 'grap', 'head-digit.onnx', /head-digit\.onnx has 4 bytes, the manifest says 5$/],
    [
      'a changed file',
      'grapH',
      'head-digit.onnx',
      /has the digest [0-9a-f]{64}, the manifest says [0-9a-f]{64}$/,
    ],
  ];
  it.each(spoil)('%s', async (_, content, path, message) => {
    await writeBundle(folder, fakeBundle());
    if (content === null) await rm(join(folder, path));
    else await writeFile(join(folder, path), content);
    const error = await readBundle(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/^Cannot read bundle /);
    expect((error as Error).message).toMatch(message);
  });

  it('a folder in the place of a file', async () => {
    await writeBundle(folder, fakeBundle());
    await rm(join(folder, 'head-digit.onnx'));
    await mkdir(join(folder, 'head-digit.onnx'));
    await expect(readBundle(folder)).rejects.toThrow('head-digit.onnx is not a file');
  });

  it('a path that leaves the folder, before it opens it', async () => {
    await writeBundle(folder, fakeBundle());
    const text = await readFile(join(folder, 'manifest.json'), 'utf8');
    await writeFile(join(folder, 'manifest.json'), text.replaceAll('head-digit.onnx', '../../secret'));
    await expect(readBundle(folder)).rejects.toThrow(/files\[0\]\.path: must be a plain file name/);
  });
});

it('sealBundle() refuses a manifest that breaks the schema and says where', () => {
  const { manifest, files } = fakeBundle();
  expect(() => sealBundle({ ...manifest, name: '', preprocessing: 3 as unknown as string }, files)).toThrow(
    /^Cannot make bundle: its manifest is not valid: name: must be 1 to 63 .*; preprocessing: /,
  );
});
