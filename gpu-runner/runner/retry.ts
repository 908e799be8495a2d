import { setTimeout } from 'node:timers/promises';

/** A failure that may be gone a moment later: a dropped connection, a busy service. */
export class PassingError extends Error {
  override readonly name = 'PassingError';
  /** How long the service asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface RetryOptions {
  /** Tries in all; default 6: with the default delays half a minute of trouble passes unnoticed. */
  readonly attempts?: number | undefined;
  /** Before the second try; doubled before each further one. Default 500. */
  readonly delayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does something that may be done twice, until it succeeds. Only a {@link PassingError} is worth another try. Waits are
 * drawn from the upper half of the doubling delay, so that many clients of one service do not come back at once.
 *
 * @throws {Error} the failure, with "(tried n times)" when it was a passing one; the signal's reason when it is aborted
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 6, delayMs = 500, maxDelayMs = 20_000, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PassingError)) throw error;
      if (attempt >= attempts) throw new Error(`${error.message} (tried ${attempt} times)`, { cause: error });
      const delay = Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1));
      const waitMs = Math.max(delay * (0.5 + Math.random() / 2), error.retryAfterMs ?? 0);
      await setTimeout(waitMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

/** Statuses of a gateway or an overloaded service: the same request may pass a moment later. */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export const mayPass = (status: number): boolean => passing.has(status);

/** Milliseconds that a `Retry-After` header in seconds asks for, at most a minute. */
export function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return seconds >= 0 ? Math.min(seconds, 60) * 1000 : undefined;
}

/** `fetch` itself only says "fetch failed". */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}
