import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { createSigner, findForgery, generateSigningKey } from '../../../shared/signature.ts';
import { publishBundle } from '../../../workers/domain/publish-bundle.ts';
import { loadManifest } from '../../../workers/edge/loader.ts';
import { readManifest, readSignature, signatureKey } from '../../../workers/store/published.ts';
import type { Stores } from '../../../workers/store/stores.ts';
import { broken, by, bytesOf, freshStores, manifestOf, put, tinyModel } from '../fixtures.ts';

let stores: Stores;
let first: Awaited<ReturnType<typeof generateSigningKey>>;
let second: typeof first;
beforeAll(async () => {
  stores = await freshStores();
  first = await generateSigningKey();
  second = await generateSigningKey();
  await put(stores, tinyModel('digit'));
});

const signing = (key: typeof first): Stores => ({ ...stores, signer: createSigner(key.privateKey) });
const bytesOfManifest = async (name: string) =>
  bytesOf(JSON.stringify(await manifestOf(['digit'], { name })));
const refusal = (id: string, why: string) => ({
  code: 'unavailable',
  message: `Cannot serve bundle ${id.slice(0, 12)}: its manifest ${why}`,
});

test('what is published is signed, and the edge serves it where the key is trusted', async () => {
  const bytes = await bytesOfManifest('signed');
  const { id } = (await publishBundle(signing(first), bytes, by)).bundle;
  expect(await findForgery(bytes, await readSignature(env.BUNDLES, id), [first.trusted])).toBeNull();
  expect((await loadManifest(env.BUNDLES, id, [second.trusted, first.trusted])).manifest.name).toBe('signed');
  await expect(loadManifest(env.BUNDLES, id, [second.trusted])).rejects.toMatchObject(
    refusal(id, `is signed with key ${first.trusted.keyId}, which is not trusted here`),
  );
});

test('the edge serves nothing unsigned or signed for another manifest', async () => {
  const plain = (await publishBundle(stores, await bytesOfManifest('plain'), by)).bundle.id;
  expect((await loadManifest(env.BUNDLES, plain)).manifest.name).toBe('plain');
  await expect(loadManifest(env.BUNDLES, plain, [first.trusted])).rejects.toMatchObject(
    refusal(plain, 'is not signed'),
  );
  const other = (await publishBundle(signing(first), await bytesOfManifest('other'), by)).bundle.id;
  await env.BUNDLES.put(signatureKey(plain), (await readSignature(env.BUNDLES, other)) ?? '');
  await expect(loadManifest(env.BUNDLES, plain, [first.trusted])).rejects.toMatchObject(
    refusal(plain, `does not have the signature of key ${first.trusted.keyId}`),
  );
});

test('publishing again signs with the key in use', async () => {
  const bytes = await bytesOfManifest('rotated');
  const { id } = (await publishBundle(stores, bytes, by)).bundle;
  for (const key of [first, second]) {
    expect((await publishBundle(signing(key), bytes, by)).created).toBe(false);
    await expect(loadManifest(env.BUNDLES, id, [key.trusted])).resolves.toMatchObject({
      manifest: { name: 'rotated' },
    });
  }
});

test('a signature that cannot be written keeps the bundle from being published', async () => {
  const bytes = await bytesOfManifest('unlucky');
  const failing = { ...signing(first), bucket: broken(stores.bucket, 'put') };
  await expect(publishBundle(failing, bytes, by)).rejects.toMatchObject({ code: 'unavailable' });
  const { bundle, created } = await publishBundle(signing(first), bytes, by);
  expect(created).toBe(true);
  expect(await readManifest(env.BUNDLES, bundle.id)).toEqual(bytes);
});
