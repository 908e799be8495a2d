import { AwsClient } from 'aws4fetch';
import { mayPass, PassingError, reasonOf, retry, retryAfterMs } from '../retry.ts';
import { textOf } from './s3Xml.ts';

/** A bucket of R2, S3, MinIO or whatever else speaks S3's API. */
export interface S3Access {
  /** E.g. "https://<account>.r2.cloudflarestorage.com" or "http://127.0.0.1:9000"; the bucket is part of the path. */
  readonly endpoint: string;
  readonly bucket: string;
  /** "auto" for R2. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Signs in the URL instead of in headers, for a proxy on the way that takes `Authorization` for its own. */
  readonly presigned?: boolean | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly attempts?: number | undefined;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Of the object, or "" for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** Statuses besides 2xx that are an answer and not a failure. */
  readonly accept?: readonly number[];
  readonly streamed?: boolean;
}

export interface S3Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The whole body as text, unless it is streamed. */
  readonly text: string;
  readonly stream: ReadableStream<Uint8Array> | null;
}

/** Until the answer is there: long enough for the largest part at 2 Mbit/s. */
const timeoutMs = 400_000;
/** Codes of errors that come with a status of good luck next time, whatever the status is. */
const passingCodes: ReadonlySet<string> = new Set([
  ...['InternalError', 'SlowDown', 'ServiceUnavailable', 'RequestTimeout', 'OperationAborted'],
  // A part that was damaged on the way.
  ...['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'],
]);

/** Sends signed requests to one bucket, again while trouble may pass. */
export class S3Client {
  readonly #access: S3Access;
  readonly #signer: AwsClient;

  constructor(access: S3Access) {
    this.#access = access;
    const { region, accessKeyId, secretAccessKey, sessionToken } = access;
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    // It could repeat requests too, but knows no dropped connections and no errors in answers of status 200.
    this.#signer = new AwsClient({ ...credentials, region, service: 's3', retries: 0 });
  }

  /** @throws {Error} "PUT blobs/ab12... at <endpoint>/<bucket> answered 403 AccessDenied: <its sentence>" */
  async call(request: S3Request, signal?: AbortSignal): Promise<S3Reply> {
    const { endpoint, bucket, attempts, retryDelayMs: delayMs } = this.#access;
    const what = `${request.method} ${request.key || 'bucket'} at ${endpoint}/${bucket}`;
    return retry(
      async () => {
        const reply = await this.#send(request, signal).catch((cause: unknown) => {
          throw new PassingError(`${what} failed: ${reasonOf(cause)}`, { cause });
        });
        const code = textOf(reply.text, 'Code');
        // S3 may answer 200 and find out later: CompleteMultipartUpload does.
        const failed = reply.status >= 300 || /^\s*(?:<\?xml[^>]*\?>)?\s*<Error[\s>]/.test(reply.text);
        if (!failed || request.accept?.includes(reply.status)) return reply;
        const told = [reply.status, code].filter(Boolean).join(' ');
        const message = `${what} answered ${told}: ${textOf(reply.text, 'Message') ?? 'nothing more'}`;
        if (mayPass(reply.status) || (code !== undefined && passingCodes.has(code)))
          throw new PassingError(message, { retryAfterMs: retryAfterMs(reply.headers) });
        throw new Error(message);
      },
      { attempts, delayMs, signal },
    );
  }

  async #send(request: S3Request, signal: AbortSignal | undefined): Promise<S3Reply> {
    const { method, key, query = {}, headers, body, streamed } = request;
    const { endpoint, bucket, presigned } = this.#access;
    const url = new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}${key && `/${key}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    try {
      const signed = await this.#signer.sign(url.href, {
        method,
        ...(headers && { headers }),
        ...(body !== undefined && { body }),
        aws: { signQuery: presigned === true },
      });
      const response = await fetch(signed, {
        signal: AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])]),
      });
      const { status } = response;
      if (streamed && response.ok)
        return { status, headers: response.headers, text: '', stream: response.body };
      return { status, headers: response.headers, text: await response.text(), stream: null };
    } finally {
      clearTimeout(timer);
    }
  }
}
