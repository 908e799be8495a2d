import { errorBody } from '../../shared/api.ts';
import { mayPass, PassingError, reasonOf, retry, retryAfterMs } from './retry.ts';

export interface ControlAccess {
  /** Where the control Worker answers, e.g. "http://127.0.0.1:8787". */
  readonly url: string;
  /** An API key with the scopes that the routes need. */
  readonly key: string;
  /** Before the first repetition of a request; doubled before each further one. */
  readonly retryDelayMs?: number | undefined;
  /** Tries of each request in all. */
  readonly attempts?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ControlRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides 2xx that are an answer and not a failure. */
  readonly accept?: readonly number[];
  /** Until the answer's headers and, unless `streamed`, its body are there. */
  readonly timeoutMs?: number;
  /** The answer is as large as it likes and read by the caller, who watches over it. */
  readonly streamed?: boolean;
}

/** The service refused a request for good. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Long enough for 100 MB, the largest body, at 2 Mbit/s. */
const defaultTimeoutMs = 400_000;

/**
 * One request to the control API, repeated while the connection drops or the service says it is busy: every request
 * made here may be sent twice.
 *
 * @throws {ControlError} "PUT /v1/endpoints/demo answered 403: <the service's sentence>"
 * @throws {Error} what broke the connection, or the service's sentence when it stays busy
 */
export async function callControl(access: ControlAccess, request: ControlRequest): Promise<Response> {
  const { signal, attempts = 4, retryDelayMs: delayMs } = access;
  const what = `${request.method} ${new URL(request.path, access.url).pathname}`;
  return retry(
    async () => {
      const response = await send(access, request).catch((cause: unknown) => {
        throw new PassingError(`${what} did not reach ${access.url}: ${reasonOf(cause)}`, { cause });
      });
      if (response.ok || request.accept?.includes(response.status)) return response;
      const message = `${what} answered ${response.status}: ${await sentence(response)}`;
      if (mayPass(response.status))
        throw new PassingError(message, { retryAfterMs: retryAfterMs(response.headers) });
      throw new ControlError(message, response.status);
    },
    { attempts, delayMs, signal },
  );
}

/** The answer with its whole body read: a connection that drops meanwhile is a request that failed. */
async function send(access: ControlAccess, request: ControlRequest): Promise<Response> {
  const { method, path, body, contentType, headers, timeoutMs = defaultTimeoutMs, streamed } = request;
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    const response = await fetch(new URL(path, access.url), {
      method,
      headers: {
        authorization: `Bearer ${access.key}`,
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([timeout.signal, ...(access.signal ? [access.signal] : [])]),
    });
    if (streamed && response.ok) return response;
    const answer = await response.arrayBuffer();
    const { status, statusText } = response;
    const empty = method === 'HEAD' || [204, 205, 304].includes(status);
    return new Response(empty ? null : answer, { status, statusText, headers: response.headers });
  } finally {
    clearTimeout(timer);
  }
}

/** What the service says is wrong; where it is not the service that answers, the beginning of whatever it sent. */
async function sentence(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return errorBody.parse(JSON.parse(text)).error.message;
  } catch {
    return text.slice(0, 200) || response.statusText || 'nothing';
  }
}
