import { partView, uploadView, type PartView, type UploadView } from '../shared/uploads.ts';
import { partCount, partSize } from '../shared/uploads.ts';
import { ApiError, type HttpClient } from './http.ts';

/** Content that can be read again from any place. */
export interface UploadSource {
  readonly sha256: string;
  readonly sizeBytes: number;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

export interface UploadOptions {
  /** Parts on their way at a time. */
  readonly parallel?: number;
  /** Called with the bytes that are there: those that were there before count too. */
  readonly onProgress?: (sentBytes: number, sizeBytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Files of any size, in parts that the service remembers. */
export class Uploads {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** Opens an upload, or answers the one that is open, or that the content is there. */
  open(sha256: string, sizeBytes: number): Promise<UploadView> {
    return this.#http.read(uploadView, {
      method: 'POST',
      path: ['v1', 'uploads'],
      json: { sha256, sizeBytes },
      repeatable: true,
    });
  }

  get(id: string): Promise<UploadView> {
    return this.#http.read(uploadView, { method: 'GET', path: ['v1', 'uploads', id] });
  }

  putPart(id: string, n: number, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<PartView> {
    return this.#http.read(partView, {
      method: 'PUT',
      path: ['v1', 'uploads', id, 'parts', n],
      bytes,
      signal,
    });
  }

  commit(id: string): Promise<UploadView> {
    return this.#http.read(uploadView, {
      method: 'POST',
      path: ['v1', 'uploads', id, 'commit'],
      repeatable: true,
    });
  }

  abandon(id: string): Promise<void> {
    return this.#http.done({ method: 'DELETE', path: ['v1', 'uploads', id] });
  }

  /**
   * Brings content there, sending only the parts that are missing: again after any interruption goes on where it was.
   *
   * @returns whether bytes had to be sent
   * @throws {ApiError} with the service's sentence
   */
  async send(source: UploadSource, options: UploadOptions = {}): Promise<'sent' | 'present'> {
    const { sha256, sizeBytes } = source;
    const { onProgress, signal, parallel = 3 } = options;
    const upload = await this.open(sha256, sizeBytes);
    if (upload.state === 'stored') {
      onProgress?.(sizeBytes, sizeBytes);
      return 'present';
    }
    const received = new Set(upload.received);
    const missing: number[] = [];
    let sentBytes = 0;
    for (let n = 1; n <= partCount(upload); n++) {
      if (received.has(n)) sentBytes += partSize(upload, n);
      else missing.push(n);
    }
    onProgress?.(sentBytes, sizeBytes);
    const queue = missing.values();
    // The first failure stops the others: nothing goes on behind the caller's back.
    const failed = new AbortController();
    const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    const send = async (): Promise<void> => {
      try {
        for (const n of queue) {
          stop.throwIfAborted();
          const bytes = await source.read((n - 1) * upload.partBytes, partSize(upload, n));
          await this.putPart(upload.id, n, bytes, stop);
          sentBytes += bytes.length;
          onProgress?.(sentBytes, sizeBytes);
        }
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: Math.min(parallel, missing.length) }, send));
    if (ends.some(({ status }) => status === 'rejected')) stop.throwIfAborted();
    const committed = await this.commit(upload.id);
    if (committed.state !== 'stored')
      throw new ApiError(`Cannot store blob ${sha256}: the upload is still open after its commit`, 200, null);
    return 'sent';
  }
}
