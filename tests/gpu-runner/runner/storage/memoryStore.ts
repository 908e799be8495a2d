import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../../../gpu-runner/runner/storage/objectStore.ts';

export interface MemoryStore extends ObjectStore {
  readonly blobs: Map<string, Uint8Array<ArrayBuffer>>;
  /** Byte each connection began at. */
  readonly connections: number[];
  /** The pieces of one connection in place of the blob's bytes from there on; throwing breaks it off. */
  serve: (bytes: Uint8Array<ArrayBuffer>, connection: number) => Iterable<Uint8Array>;
  readonly add: (bytes: Uint8Array<ArrayBuffer>) => { sha256: string; sizeBytes: number };
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A store in memory whose connections do what a test wants. */
export function memoryStore(): MemoryStore {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const connections: number[] = [];
  const store: MemoryStore = {
    blobs,
    connections,
    serve: (bytes) => [bytes],
    add(bytes) {
      blobs.set(digestOf(bytes), bytes);
      return { sha256: digestOf(bytes), sizeBytes: bytes.length };
    },
    head(sha256) {
      const bytes = blobs.get(sha256);
      return Promise.resolve(bytes ? { sizeBytes: bytes.length } : null);
    },
    get(sha256, from, signal) {
      const bytes = blobs.get(sha256);
      if (!bytes) return Promise.reject(new Error(`Cannot read blob ${sha256}: it is not there`));
      connections.push(from);
      const pieces = store.serve(bytes.subarray(from), connections.length)[Symbol.iterator]();
      return Promise.resolve(
        new ReadableStream<Uint8Array>({
          start(controller) {
            signal?.addEventListener('abort', () => controller.error(signal.reason));
          },
          pull(controller) {
            const next = pieces.next();
            if (next.done) controller.close();
            else if (next.value.length > 0) controller.enqueue(next.value);
            // An empty piece stands for a connection that hangs.
            else return new Promise(() => undefined);
            return undefined;
          },
        }),
      );
    },
    async put(content) {
      if (blobs.has(content.sha256)) return { sent: false };
      blobs.set(content.sha256, await content.read(0, content.sizeBytes));
      return { sent: true };
    },
  };
  return store;
}
