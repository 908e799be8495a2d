import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../shared/digest.ts';
import {
  createSigner,
  findForgery,
  generateSigningKey,
  trustedKeys,
  type TrustedKey,
} from '../../shared/signature.ts';

const manifest = new TextEncoder().encode('{"format":"trunkline.bundle/1"}');

/** The public key as Node reads it: a JWK. */
const nodeKey = ({ publicKey }: TrustedKey) =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
    format: 'jwk',
  });

test('a signature is what an independent Ed25519 makes and takes', async () => {
  const { privateKey, trusted } = await generateSigningKey();
  const signed = await createSigner(privateKey).sign(manifest);
  const signature = Buffer.from(signed.signature, 'base64');
  expect(verify(null, manifest, nodeKey(trusted), signature)).toBe(true);
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  expect(sign(null, manifest, key)).toEqual(signature);
  expect(signed.keyId).toBe(trusted.keyId);
  const digest = await sha256Hex(Uint8Array.from(Buffer.from(trusted.publicKey, 'base64')));
  expect(trusted.keyId).toBe(digest.slice(0, 16));
});

test('what a trusted key signed is believed, also while keys change', async () => {
  const old = await generateSigningKey();
  const next = await generateSigningKey();
  const both = trustedKeys.parse([old.trusted, next.trusted]);
  for (const { privateKey } of [old, next]) {
    const text = JSON.stringify(await createSigner(privateKey).sign(manifest));
    expect(await findForgery(manifest, text, both)).toBeNull();
  }
  const text = JSON.stringify(await createSigner(old.privateKey).sign(manifest));
  expect(await findForgery(manifest, text, [next.trusted])).toBe(
    `is signed with key ${old.trusted.keyId}, which is not trusted here`,
  );
});

test('every other manifest or signature is refused, with the reason', async () => {
  const { privateKey, trusted } = await generateSigningKey();
  const signed = await createSigner(privateKey).sign(manifest);
  const refusal = (bytes: typeof manifest, signature: unknown) =>
    findForgery(bytes, JSON.stringify(signature), [trusted]);
  expect(await findForgery(manifest, null, [trusted])).toBe('is not signed');
  expect(await findForgery(manifest, 'not JSON', [trusted])).toBe('has a signature of another form');
  expect(await refusal(manifest, { ...signed, algorithm: 'none' })).toBe('has a signature of another form');
  const altered = Uint8Array.from(manifest);
  altered[3] = (altered[3] ?? 0) ^ 1;
  const why = `does not have the signature of key ${trusted.keyId}`;
  expect(await refusal(altered, signed)).toBe(why);
  const bytes = Buffer.from(signed.signature, 'base64');
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  expect(await refusal(manifest, { ...signed, signature: bytes.toString('base64') })).toBe(why);
  // Another key under the id of a trusted one.
  const other = await createSigner((await generateSigningKey()).privateKey).sign(manifest);
  expect(await refusal(manifest, { ...other, keyId: trusted.keyId })).toBe(why);
});

test('a private key of another form is refused without being told', async () => {
  const secret = btoa('certainly not a key');
  const error: unknown = await createSigner(secret)
    .sign(manifest)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).not.toContain(secret);
});
