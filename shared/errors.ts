/** Every way a request can be refused, and the HTTP status it is told with. */
export const errorStatus = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'length-required': 411,
  'too-large': 413,
  unprocessable: 422,
  'rate-limited': 429,
  internal: 500,
  unsupported: 501,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof errorStatus;
export type ErrorStatus = (typeof errorStatus)[ErrorCode];

/**
 * The only error a Worker throws on purpose. `message` is shown to the client: a sentence that says what cannot be
 * done and why, with the numbers in it. Anything else that is thrown is a bug and answered as `internal` without its text.
 */
export class TrunklineError extends Error {
  override readonly name = 'TrunklineError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): ErrorStatus {
    return errorStatus[this.code];
  }
}
