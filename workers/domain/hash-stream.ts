import { toHex } from '../../shared/digest.ts';

/** SHA-256 of a stream in lower-case hex, without keeping the stream. */
export async function hashStream(body: ReadableStream): Promise<string> {
  const hash = new crypto.DigestStream('SHA-256');
  await body.pipeTo(hash);
  return toHex(new Uint8Array(await hash.digest));
}
