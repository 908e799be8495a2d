import { join } from 'node:path';
import type { Provider } from '../../engine/providers.ts';
import { BlobCache } from '../storage/blobCache.ts';
import { ControlStore } from '../storage/controlStore.ts';
import type { ObjectStore } from '../storage/objectStore.ts';
import { S3Store, type S3StoreOptions } from '../storage/s3Store.ts';

/** What the process that does a job is told: plain data, since it goes from process to process. */
export interface WorkSettings {
  readonly control: { readonly url: string; readonly key: string };
  /** Blobs go there and come from there, past the control Worker. */
  readonly s3?: S3StoreOptions | undefined;
  /** On this machine: the cache, and a folder of each job. */
  readonly folder: string;
  readonly cacheBytes: number;
  readonly provider: Provider;
  /** Most bytes of Gram matrices at once; default 4 GiB. */
  readonly gramBytes?: number | undefined;
  /** Most bytes that the samples of one task take in memory; default 2 GiB. */
  readonly dataBytes?: number | undefined;
  readonly retryDelayMs?: number | undefined;
}

/** Where this runner's blobs are. */
export function openStore({ control, s3, retryDelayMs }: WorkSettings): ObjectStore {
  const service = new ControlStore({ ...control, retryDelayMs, attempts: 8 });
  if (!s3) return service;
  const bucket = new S3Store({ retryDelayMs, attempts: 8, ...s3 });
  return {
    head: (sha256, signal) => bucket.head(sha256, signal),
    get: (sha256, from, signal) => bucket.get(sha256, from, signal),
    async put(content, options) {
      const { sent } = await bucket.put(content, options);
      await service.adopt(content, { signal: options?.signal });
      return { sent };
    },
  };
}

export const openCache = (settings: WorkSettings, store: ObjectStore): Promise<BlobCache> =>
  BlobCache.open(join(settings.folder, 'cache'), {
    maxBytes: settings.cacheBytes,
    store,
    retryDelayMs: settings.retryDelayMs,
  });
