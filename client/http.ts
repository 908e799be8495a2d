import type { z } from 'zod';
import { errorBody } from '../shared/api.ts';
import type { ErrorCode } from '../shared/errors.ts';
import { explainIssues } from '../shared/explain-issues.ts';

export interface ClientOptions {
  /** Where the service answers, e.g. "http://127.0.0.1:8787". */
  readonly url: string;
  /** An API key; absent where a cookie or nothing is enough. */
  readonly key?: string | undefined;
  /** The global one, when left out. */
  readonly fetch?: typeof fetch | undefined;
  /** Tries of a request that may be repeated, in all. */
  readonly attempts?: number | undefined;
  /** Before the first repetition, in milliseconds; doubled before each further one. */
  readonly retryDelayMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Segments of the path; each is encoded. */
  readonly path: readonly (string | number)[];
  readonly query?: Readonly<Record<string, string | number | null | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the request can be sent twice without harm; only such are repeated. Default: all but POST. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The service refused a request, or could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** 0 when no answer came. */
  readonly status: number;
  readonly code: ErrorCode | null;

  constructor(message: string, status: number, code: ErrorCode | null, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may pass a moment later: nobody answered, or the service was busy. */
  get mayPass(): boolean {
    return this.status === 0 || passing.has(this.status);
  }
}

/** A gateway, or a service that is busy: the same request may pass a moment later. */
const passing = new Set([429, 502, 503, 504]);
const longestWaitMs = 30_000;

/** Requests to one service with one key. */
export class HttpClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * The answer to a request, when it is a good one. While the connection drops or the service says it is busy, a
   * request that can be repeated is.
   *
   * @throws {ApiError} "POST /v1/merges answered 422: <the service's sentence>", or that it did not reach the service
   */
  async send(request: ApiRequest): Promise<Response> {
    const { attempts = 4, retryDelayMs = 500 } = this.#options;
    const tries = (request.repeatable ?? request.method !== 'POST') ? attempts : 1;
    const signals = [this.#options.signal, request.signal].filter((one) => one !== undefined);
    const signal = signals.length > 0 ? AbortSignal.any(signals) : undefined;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const outcome = await this.#once(request, signal).catch((error: unknown) => {
        signal?.throwIfAborted();
        return this.#unreached(request, error);
      });
      if (outcome instanceof Response && outcome.ok) return outcome;
      const after = outcome instanceof Response ? retryAfterMs(outcome) : null;
      const refusal = outcome instanceof Response ? await refused(request, outcome) : outcome;
      if (!refusal.mayPass || attempt >= tries) throw refusal;
      const backoff = retryDelayMs * 2 ** (attempt - 1) * (1 + Math.random());
      await wait(Math.min(after ?? backoff, longestWaitMs), signal);
    }
  }

  /** As `send()`; the answer is JSON of that form. @throws {ApiError} also when it is not */
  async read<Schema extends z.ZodType>(schema: Schema, request: ApiRequest): Promise<z.infer<Schema>> {
    return (await this.readWithHeaders(schema, request)).body;
  }

  /** As `read()`, with the answer's headers. */
  async readWithHeaders<Schema extends z.ZodType>(
    schema: Schema,
    request: ApiRequest,
  ): Promise<{ body: z.infer<Schema>; headers: Headers }> {
    const response = await this.send(request);
    let body: unknown;
    try {
      body = await response.json();
    } catch (cause) {
      throw new ApiError(`${named(request)} answered no JSON`, response.status, null, { cause });
    }
    const parsed = schema.safeParse(body);
    if (parsed.success) return { body: parsed.data, headers: response.headers };
    throw new ApiError(
      `${named(request)} answered in a form this version does not read: ${explainIssues(parsed.error)}`,
      response.status,
      null,
      { cause: parsed.error },
    );
  }

  /** As `send()`, where the answer says nothing. */
  async done(request: ApiRequest): Promise<void> {
    await (await this.send(request)).arrayBuffer();
  }

  #once(request: ApiRequest, signal: AbortSignal | undefined): Promise<Response> {
    const { url, key, fetch: send = fetch } = this.#options;
    const target = new URL(pathOf(request), url);
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== null && value !== undefined) target.searchParams.set(name, String(value));
    const body = request.bytes ?? (request.json === undefined ? undefined : JSON.stringify(request.json));
    return send(target, {
      method: request.method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(request.json !== undefined && { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    });
  }

  #unreached(request: ApiRequest, cause: unknown): ApiError {
    return new ApiError(
      `${named(request)} did not reach ${new URL(this.#options.url).origin}: ${causeOf(cause)}`,
      0,
      null,
      { cause },
    );
  }
}

const pathOf = ({ path }: ApiRequest): string => `/${path.map((one) => encodeURIComponent(one)).join('/')}`;

const named = (request: ApiRequest): string => `${request.method} ${pathOf(request)}`;

/** The service's sentence: both planes answer JSON, the edge with the text alone. */
async function refused(request: ApiRequest, response: Response): Promise<ApiError> {
  const text = await response.text();
  let code: ErrorCode | null = null;
  let sentence = text.slice(0, 200) || response.statusText || 'nothing';
  try {
    const body: unknown = JSON.parse(text);
    const known = errorBody.safeParse(body);
    if (known.success) ({ code, message: sentence } = known.data.error);
    else if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string')
      sentence = body.error;
  } catch {
    // Whatever stands before the service answered.
  }
  return new ApiError(`${named(request)} answered ${response.status}: ${sentence}`, response.status, code);
}

function retryAfterMs(response: Response): number | null {
  const header = response.headers.get('retry-after');
  if (header === null) return null;
  const seconds = Number(header);
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : null;
}

/** `fetch` itself only says "fetch failed". */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}
