import { createStore, del, entries, set, type UseStore } from 'idb-keyval';
import type { UploadItem } from './item.ts';

/** What is kept of an upload, so that a reload goes on with it; never the key, never the content. */
export interface KeptUpload {
  readonly item: UploadItem;
  /** By path; null where the browser gives none (files chosen in a window). */
  readonly handles: Readonly<Record<string, FileSystemFileHandle | null>>;
}

let opened: UseStore | undefined;
const store = (): UseStore => (opened ??= createStore('trunkline-uploads', 'uploads'));

/** Nothing is kept where the browser keeps nothing (private windows): uploads work all the same. */
const quietly = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => work().catch(() => otherwise);

export const keepUpload = (kept: KeptUpload): Promise<void> =>
  quietly(() => set(kept.item.id, { ...kept, item: { ...kept.item, error: null } }, store()), undefined);

export const forgetUpload = (id: string): Promise<void> => quietly(() => del(id, store()), undefined);

export const keptUploads = (): Promise<KeptUpload[]> =>
  quietly(async () => (await entries<string, KeptUpload>(store())).map(([, kept]) => kept), []);
