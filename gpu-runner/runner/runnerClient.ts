import { z } from 'zod';
import {
  claimReply,
  heartbeatReply,
  type Checkpoint,
  type ClaimReply,
  type ClaimRequest,
  type CompleteRequest,
  type HeartbeatReply,
  type Progress,
} from '../../shared/jobs.ts';
import { callControl, ControlError, type ControlAccess, type ControlRequest } from './controlClient.ts';

/** Somebody else has the job now, or it is over: whatever is done for it is done in vain. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** The job that is worked on and the fencing token of the claim. */
export interface Claimed {
  readonly jobId: string;
  readonly token: number;
}

export type JobResult = CompleteRequest['result'];

/** What a runner says to the control Worker about its job. Every call may be made twice. */
export class RunnerClient {
  readonly #access: ControlAccess;

  constructor(access: ControlAccess) {
    this.#access = access;
  }

  /** A job to work on, or null when there is none. */
  async claim(request: ClaimRequest, signal?: AbortSignal): Promise<ClaimReply | null> {
    const reply = await this.#post('/v1/runner/claim', request, { signal });
    return reply.status === 204 ? null : claimReply.parse(await reply.json());
  }

  /** @throws {LeaseLostError} */
  async heartbeat(job: Claimed, progress?: Progress, signal?: AbortSignal): Promise<HeartbeatReply> {
    const reply = await this.#about(job, 'POST', 'heartbeat', progress ? { progress } : {}, { signal });
    return heartbeatReply.parse(await reply.json());
  }

  /** Where another attempt may go on. The blob must be stored. @throws {LeaseLostError} */
  async saveCheckpoint(job: Claimed, checkpoint: Checkpoint, signal?: AbortSignal): Promise<void> {
    await this.#about(job, 'PUT', 'checkpoint', checkpoint, { signal });
  }

  /**
   * Done, once: the service publishes with this call. Asked patiently, since hours of work hang on it.
   *
   * @throws {LeaseLostError}
   */
  async complete(job: Claimed, result: JobResult): Promise<void> {
    await this.#about(job, 'POST', 'complete', { result }, { attempts: 12 });
  }

  /** @throws {LeaseLostError} */
  async fail(
    job: Claimed,
    failure: { readonly reason: string; readonly retryable: boolean; readonly handBack?: boolean },
  ): Promise<void> {
    await this.#about(job, 'POST', 'fail', { ...failure, reason: shortened(failure.reason) }, {});
  }

  async #about(
    { jobId, token }: Claimed,
    method: 'POST' | 'PUT',
    action: string,
    body: object,
    options: CallOptions,
  ): Promise<Response> {
    const path = `/v1/runner/jobs/${jobId}/${action}`;
    try {
      return await this.#call(method, path, { token, ...body }, options);
    } catch (error) {
      if (error instanceof ControlError && (error.status === 409 || error.status === 404))
        throw new LeaseLostError(error.message, { cause: error });
      throw error;
    }
  }

  #post(path: string, body: object, options: CallOptions): Promise<Response> {
    return this.#call('POST', path, body, options);
  }

  #call(
    method: ControlRequest['method'],
    path: string,
    body: object,
    { signal, attempts = this.#access.attempts }: CallOptions,
  ): Promise<Response> {
    return callControl(
      { ...this.#access, attempts, ...(signal && { signal }) },
      { method, path, body: JSON.stringify(body), contentType: 'application/json', timeoutMs },
    );
  }
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly attempts?: number | undefined;
}

/** These are small requests: one that takes longer is better sent again before the lease runs out. */
const timeoutMs = 20_000;

const longestReason = 2000;
const shortened = (reason: string): string => {
  const text = reason.trim() || 'no reason was given';
  return text.length <= longestReason ? text : `${text.slice(0, longestReason - 4)} ...`;
};

/** The message of whatever was thrown. Validation errors are made short. */
export const messageOf = (error: unknown): string =>
  error instanceof z.ZodError
    ? `the service answered something else: ${z.prettifyError(error)}`
    : error instanceof Error
      ? error.message
      : String(error);
