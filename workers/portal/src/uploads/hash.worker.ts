import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

// SHA-256 of a file of any size, off the page's thread. WebCrypto hashes only what is in memory as a whole.

/** Bytes read at a time. */
const chunkBytes = 4 * 1024 ** 2;

export type HashMessage =
  { readonly hashedBytes: number } | { readonly sha256: string } | { readonly error: string };

const post = (message: HashMessage): void => postMessage(message);

addEventListener('message', (event: MessageEvent<File>) => {
  const hash = async (): Promise<void> => {
    const file = event.data;
    const digest = sha256.create();
    for (let at = 0; at < file.size; at += chunkBytes) {
      digest.update(new Uint8Array(await file.slice(at, at + chunkBytes).arrayBuffer()));
      post({ hashedBytes: Math.min(at + chunkBytes, file.size) });
    }
    post({ sha256: bytesToHex(digest.digest()) });
  };
  hash().catch((error: unknown) => post({ error: error instanceof Error ? error.message : String(error) }));
});
