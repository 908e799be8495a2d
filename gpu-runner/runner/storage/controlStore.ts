import { uploadView, type UploadView } from '../../../shared/uploads.ts';
import { callControl, ControlError, type ControlAccess } from '../controlClient.ts';
import type { Content } from './content.ts';
import { partsOf, type ObjectStore, type PutOptions } from './objectStore.ts';

type OpenUpload = Extract<UploadView, { state: 'open' }>;

/** Uploads begun anew because the one at hand expired or was swept while its parts were sent. */
const maxUploads = 3;

/** The upload is not open any more, or lacks parts that were sent. */
const isGone = (error: unknown): boolean =>
  error instanceof ControlError && (error.status === 404 || error.status === 409);

/** Blobs by way of the control API, which keeps them in its bucket: a runner that speaks to it needs nothing else. */
export class ControlStore implements ObjectStore {
  readonly #access: ControlAccess;

  constructor(access: ControlAccess) {
    this.#access = access;
  }

  async head(sha256: string, signal?: AbortSignal): Promise<{ readonly sizeBytes: number } | null> {
    const path = `/v1/blobs/${sha256}`;
    const reply = await callControl(this.#with(signal), { method: 'HEAD', path, accept: [404] });
    return reply.status === 404 ? null : { sizeBytes: Number(reply.headers.get('content-length')) };
  }

  async get(sha256: string, from: number, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const reply = await callControl(this.#with(signal), {
      method: 'GET',
      path: `/v1/blobs/${sha256}`,
      streamed: true,
      ...(from > 0 && { headers: { range: `bytes=${from}-` } }),
    });
    if (!reply.body || (from > 0 && reply.status !== 206))
      throw new Error(`Cannot read blob ${sha256} from byte ${from}: the service answered ${reply.status}`);
    return reply.body;
  }

  /**
   * Tells the service of a blob that lies in its bucket by now, put there past it: it reads and checks it. A service
   * with another bucket is sent the content. For keys with the scope runner.
   */
  async adopt(content: Content, options: PutOptions = {}): Promise<void> {
    const upload = await this.#begin(content, options.signal);
    if (upload.state === 'stored') return;
    try {
      await this.#commit(upload, options.signal);
    } catch (error) {
      if (!isGone(error)) throw error;
      await this.put(content, options);
    }
  }

  async put(content: Content, options: PutOptions = {}): Promise<{ readonly sent: boolean }> {
    for (let attempt = 1; ; attempt += 1) {
      const upload = await this.#begin(content, options.signal);
      if (upload.state === 'stored') {
        options.onProgress?.(content.sizeBytes);
        return { sent: attempt > 1 };
      }
      try {
        await this.#send(content, upload, options);
        return { sent: true };
      } catch (error) {
        if (!isGone(error) || attempt === maxUploads) throw error;
      }
    }
  }

  async #begin({ sha256, sizeBytes }: Content, signal: AbortSignal | undefined): Promise<UploadView> {
    const reply = await callControl(this.#with(signal), {
      method: 'POST',
      path: '/v1/uploads',
      body: JSON.stringify({ sha256, sizeBytes }),
      contentType: 'application/json',
    });
    return uploadView.parse(await reply.json());
  }

  async #send(content: Content, upload: OpenUpload, { signal, onProgress }: PutOptions): Promise<void> {
    const access = this.#with(signal);
    const received = new Set(upload.received);
    let sentBytes = 0;
    for (const { number, from, to } of partsOf(content.sizeBytes, upload.partBytes)) {
      if (!received.has(number)) {
        await callControl(access, {
          method: 'PUT',
          path: `/v1/uploads/${upload.id}/parts/${number}`,
          body: await content.read(from, to),
          contentType: 'application/octet-stream',
        });
      }
      sentBytes += to - from;
      onProgress?.(sentBytes);
    }
    await this.#commit(upload, signal);
  }

  async #commit({ id }: OpenUpload, signal: AbortSignal | undefined): Promise<void> {
    await callControl(this.#with(signal), { method: 'POST', path: `/v1/uploads/${id}/commit` });
  }

  #with(signal: AbortSignal | undefined): ControlAccess {
    const signals = [this.#access.signal, signal].filter((one) => one !== undefined);
    return signals.length === 0 ? this.#access : { ...this.#access, signal: AbortSignal.any(signals) };
  }
}
