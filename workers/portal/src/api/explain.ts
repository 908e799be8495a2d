import { ApiError } from '../../../../client/http.ts';
import type { ErrorCode } from '../../../../shared/errors.ts';

/** An error as a person can act on it. */
export interface Explained {
  /** The service's own code, or what kept it from answering. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly next: string;
  /** Whether the same may simply be tried again. */
  readonly retry: boolean;
}

const nextSteps: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Sign in again: the key may have been revoked or has expired.',
  forbidden: 'Sign in with a key that has the scope named above, or ask whoever manages keys for one.',
  'not-found': 'It may have been deleted or renamed: go back to the list.',
  conflict: 'Somebody changed it meanwhile, or something still refers to it: reload to see how it stands.',
  'too-large': 'Send a smaller file, or raise the limit in wrangler.toml.',
  'rate-limited': 'Wait ten seconds, then try again.',
  invalid: 'Correct what the message names and try again.',
  unprocessable: 'Correct what the message names and try again.',
  internal: "This is a fault of the service: its log has the details under the request's number.",
  unsupported: 'This platform cannot do that: see the documentation at /docs.',
  unavailable: 'A part of the platform does not answer for the moment: try again.',
};

/** @param error anything that was thrown */
export function explain(error: unknown): Explained {
  if (error instanceof ApiError) {
    const { code, status, mayPass } = error;
    // The client says "GET /v1/x answered 404: <sentence>": people need the sentence.
    const message = error.message.replace(/^[A-Z]+ \/\S* answered \d{3}: /, '');
    if (status === 0)
      return {
        code: 'no answer',
        message: 'The platform did not answer.',
        next: 'Check that it runs and that you are online, then try again.',
        retry: true,
      };
    return {
      code: code ?? String(status),
      message,
      next: (code === null ? undefined : nextSteps[code]) ?? 'Reload the page; a newer version may be there.',
      retry: mayPass || code === null || code === 'internal',
    };
  }
  if (error instanceof DOMException && error.name === 'AbortError')
    return {
      code: 'stopped',
      message: 'It was stopped.',
      next: 'Start it again when you like.',
      retry: true,
    };
  return {
    code: 'page',
    message: error instanceof Error ? error.message : String(error),
    next: 'Reload the page. If it comes back, report what you did.',
    retry: true,
  };
}
