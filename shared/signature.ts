import { z } from 'zod';
import { sha256Hex } from './digest.ts';

// A manifest may be signed by whoever publishes it, so that a reader serves nothing that only storage vouches for. The
// signature lies beside the manifest and is over its bytes; the manifest names its files by digest, so it covers them too.
// Ed25519 (RFC 8032) by WebCrypto. A key is known by the first digits of its public key's digest.

/** Base64 of `bytes` bytes. */
const base64 = (bytes: number): z.ZodType<string> =>
  z.base64().refine((text) => decode(text).length === bytes, `must be ${bytes} bytes in base64`);

const keyId = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits');

export const manifestSignature = z.strictObject({
  keyId,
  algorithm: z.literal('Ed25519'),
  signature: base64(64),
});
export type ManifestSignature = z.infer<typeof manifestSignature>;

/** A key whose signatures are believed; `publicKey` is the raw key of 32 bytes. */
export const trustedKey = z.strictObject({ keyId, publicKey: base64(32) });
export type TrustedKey = z.infer<typeof trustedKey>;

/** One while all is well, two while a new key takes the place of an old one. */
export const trustedKeys = z.array(trustedKey).min(1).max(16);

/** Signs manifests. */
export interface Signer {
  sign: (bytes: Uint8Array<ArrayBuffer>) => Promise<ManifestSignature>;
}

const algorithm = 'Ed25519';

/** As this runtime calls it. */
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

const encode = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** What WebCrypto answers in every form but JWK; runtimes declare it differently. */
const bytesOf = (answer: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(answer as ArrayBuffer);

const idOf = async (publicKey: Uint8Array<ArrayBuffer>): Promise<string> =>
  (await sha256Hex(publicKey)).slice(0, 16);

/** A new key: the private half in PKCS #8 and base64, for the secret SIGNING_KEY, and the public half for readers. */
export async function generateSigningKey(): Promise<{ privateKey: string; trusted: TrustedKey }> {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as {
    publicKey: ImportedKey;
    privateKey: ImportedKey;
  };
  const raw = bytesOf(await crypto.subtle.exportKey('raw', pair.publicKey));
  const pkcs8 = bytesOf(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const trusted = { keyId: await idOf(raw), publicKey: encode(raw) };
  return { privateKey: encode(pkcs8), trusted };
}

/**
 * Signs with a private key in PKCS #8 and base64.
 *
 * `sign` throws a TypeError when it is none; the key is in no message.
 */
export function createSigner(privateKey: string): Signer {
  let opened: ReturnType<typeof importPrivateKey> | undefined;
  return {
    sign: async (bytes) => {
      opened ??= importPrivateKey(privateKey);
      const { key, publicKey } = await opened;
      const signature = encode(bytesOf(await crypto.subtle.sign(algorithm, key, bytes)));
      return { keyId: await idOf(publicKey), algorithm, signature };
    },
  };
}

async function importPrivateKey(
  text: string,
): Promise<{ key: ImportedKey; publicKey: Uint8Array<ArrayBuffer> }> {
  try {
    const key = await crypto.subtle.importKey('pkcs8', decode(text.trim()), algorithm, true, ['sign']);
    // The private key knows its public half; WebCrypto shows it in a JWK only.
    const { x = '' } = (await crypto.subtle.exportKey('jwk', key)) as { x?: string };
    return { key, publicKey: decode(x.replaceAll('-', '+').replaceAll('_', '/')) };
  } catch {
    throw new TypeError('Cannot use the signing key: it is no Ed25519 private key in PKCS #8 and base64');
  }
}

/** Why these bytes must not be believed, or null when one of the keys signed them. */
export async function findForgery(
  bytes: Uint8Array<ArrayBuffer>,
  signature: string | null,
  keys: readonly TrustedKey[],
): Promise<string | null> {
  if (signature === null) return 'is not signed';
  const parsed = manifestSignature.safeParse(parseJson(signature));
  if (!parsed.success) return 'has a signature of another form';
  const signed = parsed.data;
  const trusted = keys.find((key) => key.keyId === signed.keyId);
  if (trusted === undefined) return `is signed with key ${signed.keyId}, which is not trusted here`;
  const key = await crypto.subtle.importKey('raw', decode(trusted.publicKey), algorithm, false, ['verify']);
  const matches = await crypto.subtle.verify(algorithm, key, decode(signed.signature), bytes);
  return matches ? null : `does not have the signature of key ${signed.keyId}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
