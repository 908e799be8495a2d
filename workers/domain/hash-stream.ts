import { toHex } from '../../shared/digest.ts';

/** SHA-256 of a stream in lower-case hex, without keeping the stream. */
export async function hashStream(body: ReadableStream): Promise<string> {
  const hash = new crypto.DigestStream('SHA-256');
  // Both fail when the stream does: neither may go unheard.
  const [digest] = await Promise.all([hash.digest, body.pipeTo(hash)]);
  return toHex(new Uint8Array(digest));
}
