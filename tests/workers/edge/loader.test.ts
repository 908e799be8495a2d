import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { loadFile, loadManifest } from '../../../workers/edge/loader.ts';
import { blobKey, manifestKey } from '../../../workers/store/published.ts';
import { digest, putBlob, putManifest, twoTaskManifest } from './fixtures.ts';

const bytes = Uint8Array.of(1, 2, 3);

test('loadManifest() answers the manifest and its size', async () => {
  const manifest = twoTaskManifest();
  const id = await putManifest(env.BUNDLES, manifest);
  expect(await loadManifest(env.BUNDLES, id)).toEqual({
    manifest,
    sizeBytes: JSON.stringify(manifest).length,
  });
});

test('loadManifest() refuses one that is missing, altered or of another form', async () => {
  await expect(loadManifest(env.BUNDLES, digest('e'))).rejects.toMatchObject({
    code: 'unavailable',
    message: 'Cannot serve bundle eeeeeeeeeeee: its manifest is not in storage',
  });
  await env.BUNDLES.put(manifestKey(digest('f')), '{}');
  await expect(loadManifest(env.BUNDLES, digest('f'))).rejects.toThrow(
    /^Cannot serve bundle ffffffffffff: its manifest was altered: its SHA-256 is [0-9a-f]{12}$/,
  );
  const id = await putManifest(env.BUNDLES, { ...twoTaskManifest(), heads: [] });
  await expect(loadManifest(env.BUNDLES, id)).rejects.toThrow('does not have the form this version reads');
});

test('loadFile() answers the bytes of a blob', async () => {
  const sha256 = await putBlob(env.BUNDLES, bytes);
  expect(await loadFile(env.BUNDLES, { path: 'a.onnx', sha256, sizeBytes: 3 })).toEqual(bytes);
});

test('loadFile() refuses a blob that is missing, of another size or altered', async () => {
  const file = { path: 'a.onnx', sha256: digest('e'), sizeBytes: 3 };
  const start = 'Cannot use file a.onnx (blob eeeeeeeeeeee): ';
  await expect(loadFile(env.BUNDLES, file)).rejects.toMatchObject({
    code: 'unavailable',
    message: `${start}it is not in storage`,
  });
  await env.BUNDLES.put(blobKey(file.sha256), bytes);
  await expect(loadFile(env.BUNDLES, { ...file, sizeBytes: 4 })).rejects.toThrow(
    `${start}it has 3 bytes in storage, the manifest says 4`,
  );
  await expect(loadFile(env.BUNDLES, file)).rejects.toThrow(
    `${start}it was altered, its SHA-256 is 039058c6f2c0`,
  );
});
