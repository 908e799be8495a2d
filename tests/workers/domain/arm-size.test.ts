import { beforeAll, expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/digest.ts';
import type { Manifest } from '../../../shared/manifest.ts';
import { armSize } from '../../../workers/domain/arm-size.ts';
import { writeManifest } from '../../../workers/store/publish.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { bytesOf, freshStores, image, manifestOf } from '../fixtures.ts';

let stores: Stores;
beforeAll(async () => {
  stores = await freshStores();
});

async function write(manifest: Manifest): Promise<string> {
  const bytes = bytesOf(JSON.stringify(manifest));
  const id = await sha256Hex(bytes);
  await writeManifest(stores.bucket, id, bytes);
  return id;
}

/** A trunk of 100 bytes, 50 parameters and 40 multiply-adds, and heads of 10, 5 and 4 each. */
async function zipped(name: string): Promise<string> {
  const plain = await manifestOf(['digit', 'clothing'], { name });
  const tap = { name: 'tap', dtype: 'float32' as const, dims: [-1, 8] };
  const file = async (path: string, sizeBytes: number) => ({
    path,
    sizeBytes,
    sha256: await sha256Hex(path),
  });
  return write({
    ...plain,
    trunk: { graph: 'trunk.onnx', weights: [], inputs: [image], taps: [tap], macs: 40, parameters: 50 },
    heads: plain.heads.map((head) => ({ ...head, inputs: [tap], macs: 4, parameters: 5 })),
    files: [await file('trunk.onnx', 100), await file('digit.onnx', 10), await file('clothing.onnx', 10)],
  });
}

test('armSize() counts a trunk once for the tasks of its bundle', async () => {
  const id = await zipped('both');
  const whole = { bundles: 1, bytes: 120, parameters: 60, macs: 48 };
  expect(await armSize(stores, { digit: id, clothing: id })).toEqual(whole);
});

test('armSize() counts only the heads that answer', async () => {
  const id = await zipped('one');
  expect(await armSize(stores, { digit: id })).toEqual({ bundles: 1, bytes: 110, parameters: 55, macs: 44 });
});

test('armSize() stores a file of two bundles once, but computes both', async () => {
  const [a, b] = [await zipped('a'), await zipped('b')];
  const size = await armSize(stores, { digit: a, clothing: b });
  expect(size).toEqual({ bundles: 2, bytes: 120, parameters: 110, macs: 88 });
});

test('armSize() says which manifest is gone', async () => {
  const gone = 'f'.repeat(64);
  await expect(armSize(stores, { digit: gone })).rejects.toMatchObject({
    code: 'unavailable',
    message: `Cannot read the manifest of bundle ${gone}.`,
  });
});
