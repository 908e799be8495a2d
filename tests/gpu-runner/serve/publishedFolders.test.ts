import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeBundle } from '../../../gpu-runner/bundle/writeBundle.ts';
import { publishFolders } from '../../../gpu-runner/serve/publishedFolders.ts';
import { generateKey, hashKey } from '../../../shared/keys.ts';
import {
  blobSize,
  listEndpoints,
  readBlob,
  readKeyGrant,
  readManifest,
  readRouting,
} from '../../../workers/store/published.ts';
import { separateBundle, zippedBundle } from '../../flows/edge-bundles.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-serve-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('publishFolders() shows a bundle as the edge reads what is published', async () => {
  const bundle = zippedBundle();
  await writeBundle(join(folder, 'b'), bundle);
  const { published, bundles } = await publishFolders('shop', [join(folder, 'b')]);
  expect(bundles.map(({ id }) => id)).toEqual([bundle.id]);
  expect(await listEndpoints(published.routing)).toEqual(['shop']);
  expect(await readRouting(published.routing, 'shop')).toMatchObject({
    endpoint: 'shop',
    revision: 1,
    tasks: { digit: { bundle: bundle.id }, fashion: { bundle: bundle.id } },
    experiments: [],
  });
  expect(await readRouting(published.routing, 'other')).toBeNull();
  expect(await readManifest(published.bundles, bundle.id)).toEqual(bundle.manifestBytes);
  for (const { path, sha256, sizeBytes } of bundle.manifest.files) {
    expect(await blobSize(published.bundles, sha256)).toBe(sizeBytes);
    expect(await readBlob(published.bundles, sha256)).toEqual(bundle.files.get(path));
  }
});

test('publishFolders() serves several folders whose tasks differ, and refuses two that answer the same', async () => {
  for (const task of ['digit', 'fashion'] as const)
    await writeBundle(join(folder, task), separateBundle(task));
  await writeBundle(join(folder, 'both'), zippedBundle());
  const of = (...names: string[]) =>
    publishFolders(
      'shop',
      names.map((one) => join(folder, one)),
    );
  const { published } = await of('digit', 'fashion');
  expect(Object.keys((await readRouting(published.routing, 'shop'))?.tasks ?? {})).toEqual([
    'digit',
    'fashion',
  ]);
  await expect(of('digit', 'both')).rejects.toThrow(
    `Cannot serve ${join(folder, 'both')}: ${join(folder, 'digit')} answers task "digit" as well`,
  );
});

test('publishFolders() refuses an altered folder at once, and misses a file that is deleted later', async () => {
  const bundle = separateBundle('digit');
  await writeBundle(join(folder, 'b'), bundle);
  const { published } = await publishFolders('shop', [join(folder, 'b')]);
  const file = bundle.manifest.files.find(({ path }) => path === 'digit.weights');
  await rm(join(folder, 'b', 'digit.weights'));
  expect(await blobSize(published.bundles, file?.sha256 ?? '')).toBeNull();
  expect(await readBlob(published.bundles, file?.sha256 ?? '')).toBeNull();
  await writeFile(join(folder, 'b', 'digit.weights'), new Uint8Array(file?.sizeBytes ?? 0));
  await expect(publishFolders('shop', [join(folder, 'b')])).rejects.toThrow(
    /digit\.weights has the digest [0-9a-f]{64}, the manifest says/,
  );
});

test('publishFolders() lets the given key ask, and refuses what is not one without repeating it', async () => {
  await writeBundle(join(folder, 'b'), separateBundle('digit'));
  const { key, id } = generateKey();
  const { published } = await publishFolders('shop', [join(folder, 'b')], [key]);
  expect(await readKeyGrant(published.routing, await hashKey(key))).toMatchObject({
    id,
    scopes: ['infer', 'read'],
  });
  const refused = publishFolders('shop', [join(folder, 'b')], ['hunter2']);
  await expect(refused).rejects.toThrow('Cannot serve: the key given does not have the form of an API key');
  await expect(refused).rejects.not.toThrow(/hunter2/);
});
