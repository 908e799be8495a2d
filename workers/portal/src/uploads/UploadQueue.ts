import type { TrunklineClient } from '../../../../client/client.ts';
import type { DatasetDocumentInput } from '../../../../shared/dataset.ts';
import type { ModelDocument } from '../../../../shared/registry.ts';
import type { DroppedFile } from '../ui/DropZone.tsx';
import { hashFile } from './hashFile.ts';
import { freshFile, isActive, restored, type UploadFile, type UploadItem } from './item.ts';
import { forgetUpload, keepUpload, keptUploads } from './persist.ts';

/** Models and data sets on their way at a time; each sends up to three parts at once. */
const parallel = 2;

export interface NewUpload {
  readonly kind: UploadItem['kind'];
  readonly name: string;
  readonly document: UploadItem['document'];
  readonly files: readonly DroppedFile[];
}

/** All uploads of this page. It goes on while its owner looks at other pages, and after a reload from where it was. */
export class UploadQueue {
  readonly #client: TrunklineClient;
  readonly #listeners = new Set<() => void>();
  readonly #sources = new Map<string, Map<string, DroppedFile>>();
  readonly #running = new Map<string, AbortController>();
  #items: readonly UploadItem[] = [];

  constructor(client: TrunklineClient) {
    this.#client = client;
    addEventListener('beforeunload', (event) => {
      if (this.#items.some(isActive)) event.preventDefault();
    });
    void this.#restore();
  }

  items = (): readonly UploadItem[] => this.#items;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add({ kind, name, document, files }: NewUpload): void {
    const item: UploadItem = {
      id: crypto.randomUUID(),
      kind,
      name,
      document,
      files: files.map(({ file }) => freshFile(file.name, file.size)),
      state: 'waiting',
      error: null,
      version: null,
    };
    this.#sources.set(item.id, new Map(files.map((one) => [one.file.name, one])));
    this.#items = [...this.#items, item];
    this.#keep(item);
    this.#changed();
    this.#start();
  }

  pause(id: string): void {
    this.#running.get(id)?.abort(new DOMException('Paused', 'AbortError'));
    this.#update(id, { state: 'paused' });
  }

  /** Goes on; asks for leave to read the file again where the browser wants that. */
  async resume(id: string): Promise<void> {
    const sources = this.#sources.get(id) ?? new Map<string, DroppedFile>();
    this.#sources.set(id, sources);
    for (const [path, { file: before, handle }] of sources) {
      if (handle === null) continue;
      const file = await fileOf(handle);
      if (file === null) {
        sources.delete(path);
        continue;
      }
      sources.set(path, { file, handle });
      if (file.size !== before.size || file.lastModified !== before.lastModified)
        this.#setFile(id, path, { hashedBytes: 0 });
    }
    this.#update(id, { state: this.#missing(id).length > 0 ? 'needs-file' : 'waiting', error: null });
    this.#start();
  }

  /** Files that were chosen again after a reload. @returns why they do not fit, or null */
  giveFiles(id: string, files: readonly DroppedFile[]): string | null {
    const item = this.#items.find((one) => one.id === id);
    if (item === undefined) return null;
    const sources = this.#sources.get(id) ?? new Map<string, DroppedFile>();
    for (const wanted of this.#missing(id)) {
      const found =
        files.find(({ file }) => file.name === wanted.path) ?? (files.length === 1 ? files[0] : undefined);
      if (found === undefined) return `"${wanted.path}" is not among the files.`;
      if (found.file.size !== wanted.sizeBytes)
        return `"${found.file.name}" has ${found.file.size} bytes, "${wanted.path}" had ${wanted.sizeBytes}: it is another file.`;
      sources.set(wanted.path, found);
    }
    this.#sources.set(id, sources);
    // Read anew: whether it is the same file only its digest tells.
    this.#update(id, {
      state: 'waiting',
      error: null,
      files: item.files.map((file) => (file.committed ? file : { ...file, hashedBytes: 0 })),
    });
    this.#start();
    return null;
  }

  /** Takes it out of the list; what was sent of it is thrown away by the service after a day. */
  remove(id: string): void {
    this.#running.get(id)?.abort(new DOMException('Removed', 'AbortError'));
    this.#items = this.#items.filter((item) => item.id !== id);
    this.#sources.delete(id);
    void forgetUpload(id);
    this.#changed();
  }

  /** Stops everything and forgets it: somebody else may sign in. */
  close(): void {
    for (const { id } of this.#items) this.remove(id);
  }

  #start(): void {
    for (const item of this.#items) {
      if (this.#running.size >= parallel) return;
      if (item.state !== 'waiting' || this.#running.has(item.id)) continue;
      const stop = new AbortController();
      this.#running.set(item.id, stop);
      void this.#run(item.id, stop.signal).finally(() => {
        this.#running.delete(item.id);
        this.#start();
      });
    }
  }

  async #run(id: string, signal: AbortSignal): Promise<void> {
    try {
      if (this.#missing(id).length > 0) {
        this.#update(id, { state: 'needs-file' });
        return;
      }
      for (const { path } of this.#need(id).files) await this.#bring(id, path, signal);
      const { kind, name, document, files } = this.#update(id, { state: 'registering' });
      const whole = {
        ...document,
        files: files.map(({ path, sha256, sizeBytes }) => ({ path, sha256: sha256 ?? '', sizeBytes })),
      };
      const { version } =
        kind === 'models'
          ? await this.#client.models.register(name, whole as unknown as ModelDocument)
          : await this.#client.datasets.register(name, whole as unknown as DatasetDocumentInput);
      this.#update(id, { state: 'done', version });
      void forgetUpload(id);
    } catch (error) {
      if (signal.aborted) return;
      this.#update(id, { state: 'failed', error });
    }
  }

  async #bring(id: string, path: string, signal: AbortSignal): Promise<void> {
    const source = this.#sources.get(id)?.get(path);
    const known = this.#file(id, path);
    if (known.committed || source === undefined) return;
    const { file } = source;
    let { sha256 } = known;
    if (sha256 === null || known.hashedBytes < known.sizeBytes) {
      this.#update(id, { state: 'hashing' });
      const digest = await hashFile(file, (hashedBytes) => this.#setFile(id, path, { hashedBytes }), signal);
      if (sha256 !== null && sha256 !== digest)
        throw new Error(
          `"${path}" has changed since its upload began. Remove this upload and start a new one.`,
        );
      sha256 = digest;
      this.#setFile(id, path, { sha256, hashedBytes: file.size });
      this.#keep(this.#need(id));
    }
    this.#update(id, { state: 'sending' });
    await this.#client.uploads.send(
      {
        sha256,
        sizeBytes: file.size,
        read: async (offset, length) =>
          new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()),
      },
      {
        signal,
        onProgress: (sentBytes) => {
          this.#setFile(id, path, { sentBytes });
          if (sentBytes === file.size && !signal.aborted) this.#update(id, { state: 'committing' });
        },
      },
    );
    this.#setFile(id, path, { committed: true, sentBytes: file.size });
    this.#keep(this.#need(id));
  }

  #missing(id: string): UploadFile[] {
    const sources = this.#sources.get(id);
    return this.#need(id).files.filter(({ path, committed }) => !committed && sources?.has(path) !== true);
  }

  #need(id: string): UploadItem {
    const item = this.#items.find((one) => one.id === id);
    if (item === undefined) throw new DOMException('Removed', 'AbortError');
    return item;
  }

  #file(id: string, path: string): UploadFile {
    const file = this.#need(id).files.find((one) => one.path === path);
    if (file === undefined) throw new Error(`Cannot upload "${path}": it is not part of this upload`);
    return file;
  }

  #setFile(id: string, path: string, change: Partial<UploadFile>): void {
    this.#items = this.#items.map((item) =>
      item.id === id
        ? { ...item, files: item.files.map((file) => (file.path === path ? { ...file, ...change } : file)) }
        : item,
    );
    this.#changed();
  }

  #update(id: string, change: Partial<UploadItem>): UploadItem {
    const next = { ...this.#need(id), ...change };
    this.#items = this.#items.map((item) => (item.id === id ? next : item));
    this.#changed();
    return next;
  }

  #keep(item: UploadItem): void {
    const sources = this.#sources.get(item.id);
    const handles = Object.fromEntries(
      item.files.map(({ path }) => [path, sources?.get(path)?.handle ?? null]),
    );
    void keepUpload({ item, handles });
  }

  async #restore(): Promise<void> {
    const kept = await keptUploads();
    if (kept.length === 0) return;
    for (const { item, handles } of kept) {
      const sources = new Map<string, DroppedFile>();
      for (const [path, handle] of Object.entries(handles)) {
        // Asking for leave needs a click: only what may be read already is opened here.
        const file = handle === null ? null : await fileOf(handle, false);
        // An empty stand-in keeps the handle until Resume is clicked.
        if (handle !== null) sources.set(path, { file: file ?? new File([], path), handle });
      }
      this.#sources.set(item.id, sources);
    }
    const known = new Set(this.#items.map(({ id }) => id));
    this.#items = [
      ...kept.map(({ item }) => restored(item)).filter(({ id }) => !known.has(id)),
      ...this.#items,
    ];
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Browsers that have handles have these; their types are not in the standard library yet. */
interface Permitted {
  queryPermission?: (wanted: { mode: 'read' }) => Promise<PermissionState>;
  requestPermission?: (wanted: { mode: 'read' }) => Promise<PermissionState>;
}

/** The file behind a handle; null when it may not be read or is gone. @param ask whether the browser may ask its owner */
async function fileOf(handle: FileSystemFileHandle, ask = true): Promise<File | null> {
  try {
    const permitted = handle as Permitted;
    let leave = (await permitted.queryPermission?.({ mode: 'read' })) ?? 'granted';
    if (leave !== 'granted' && ask)
      leave = (await permitted.requestPermission?.({ mode: 'read' })) ?? 'denied';
    return leave === 'granted' ? await handle.getFile() : null;
  } catch {
    return null;
  }
}
