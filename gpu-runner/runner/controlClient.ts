import { setTimeout } from 'node:timers/promises';
import { errorBody } from '../../shared/api.ts';

export interface ControlAccess {
  /** Where the control Worker answers, e.g. "http://127.0.0.1:8787". */
  readonly url: string;
  /** An API key with the scopes read and write. */
  readonly key: string;
  /** Before the first repetition of a request; doubled before each further one. */
  readonly retryDelayMs?: number;
  readonly signal?: AbortSignal;
}

interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly contentType?: string;
  /** Statuses besides 2xx that are an answer and not a failure. */
  readonly accept?: readonly number[];
}

const attempts = 4;
const defaultRetryDelayMs = 500;
/** Long enough for 100 MB, the largest body, at 2 Mbit/s. */
const timeoutMs = 400_000;
/** A gateway or an overloaded Worker: the same request may pass a moment later. */
const passing = new Set([429, 502, 503, 504]);

/**
 * One request to the control API, repeated while the connection drops or the service says it is busy: every request
 * made here may be sent twice.
 *
 * @throws {Error} "PUT /v1/endpoints/demo answered 403: <the service's sentence>", or what broke the connection
 */
export async function callControl(access: ControlAccess, request: Request): Promise<Response> {
  const { signal, retryDelayMs = defaultRetryDelayMs } = access;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const outcome = await send(access, request).catch((error: unknown) => ({ error }));
    signal?.throwIfAborted();
    if (outcome instanceof Response && (outcome.ok || request.accept?.includes(outcome.status)))
      return outcome;

    const mayPass = !(outcome instanceof Response) || passing.has(outcome.status);
    if (!mayPass || attempt === attempts) {
      const what = `${request.method} ${new URL(request.path, access.url).pathname}`;
      const times = mayPass ? ` (tried ${attempt} times)` : '';
      if (outcome instanceof Response)
        throw new Error(`${what} answered ${outcome.status}: ${await sentence(outcome)}${times}`);
      throw new Error(`${what} did not reach ${access.url}: ${causeOf(outcome.error)}${times}`, {
        cause: outcome.error,
      });
    }
    if (outcome instanceof Response) await outcome.body?.cancel();
    await setTimeout(retryDelayMs * 2 ** (attempt - 1), undefined, signal && { signal });
  }
}

const send = (access: ControlAccess, { method, path, body, contentType }: Request): Promise<Response> =>
  fetch(new URL(path, access.url), {
    method,
    headers: {
      authorization: `Bearer ${access.key}`,
      ...(contentType !== undefined && { 'content-type': contentType }),
    },
    ...(body !== undefined && { body }),
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(access.signal ? [access.signal] : [])]),
  });

/** What the service says is wrong; where it is not the service that answers, the beginning of whatever it sent. */
async function sentence(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return errorBody.parse(JSON.parse(text)).error.message;
  } catch {
    return text.slice(0, 200) || response.statusText || 'nothing';
  }
}

/** `fetch` itself only says "fetch failed". */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}
