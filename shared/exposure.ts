import { z } from 'zod';
import { sha256Hex } from './digest.ts';
import { errorStatus, type ErrorCode } from './errors.ts';
import { name } from './manifest.ts';

// What the edge tells the control plane about the requests it answered: the body of a queue message, one batch each.
// Messages arrive at least once and in any order; a request counts once, by its id, whatever arrives twice.

/** The name a request goes by: sent by the client in `x-request-id`, or made at the edge. Outcomes refer to it. */
export const requestId = z
  .string()
  .regex(/^[\w.:=-]{1,128}$/, 'must be 1 to 128 letters, digits, "_", ".", ":", "=" or "-"');

/** A unit as it is stored: see `hashUnit()`. */
export const unitHash = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits');

/**
 * The form in which a unit leaves the edge and is stored: 128 bits of SHA-256 over endpoint and unit, so that tables of
 * exposures name nobody, and the same unit looks different on two endpoints.
 */
export const hashUnit = async (endpoint: string, unit: string): Promise<string> =>
  (await sha256Hex(`${endpoint}/${unit}`)).slice(0, 32);

/**
 * Why a request got its arm: those of `assign()`, and `addressed` for a caller who named the arm. Only `assigned`
 * requests are compared; the others are counted apart.
 */
export const exposureReasons = [
  'assigned',
  'addressed',
  'not-covered',
  'other-experiment',
  'no-unit',
] as const;
export type ExposureReason = (typeof exposureReasons)[number];

const errorCode = z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]);
const ms = z.number().min(0);
const bytes = z.int().min(0);

/** Predictions of one request and task at most; a larger batch of samples leaves the rest out. */
export const maxPredictions = 256;

/** How the shadow's outputs compare with those of the reply, for one task. */
const agreement = z.strictObject({
  samples: z.int().min(1),
  /** Samples whose largest output is at the same place; null when the output has no classes. */
  top1Matches: z.int().min(0).nullable(),
  /** Largest absolute difference of two outputs. */
  maxDifference: z.number().min(0),
  /** Mean over samples of KL(softmax of the reply, softmax of the shadow), in nats; null without classes. */
  kl: z.number().min(0).nullable(),
});
export type Agreement = z.infer<typeof agreement>;

/** What running the other arm after the reply showed and took. */
const shadowRun = z.strictObject({
  arm: name,
  totalMs: ms,
  bytesLoaded: bytes,
  /** Null when it ran; otherwise `tasks` is empty. */
  error: errorCode.nullable(),
  tasks: z.record(name, agreement),
});
export type ShadowRun = z.infer<typeof shadowRun>;

/** Which arm served the request, under which experiment. */
const assignment = z.strictObject({
  experiment: name,
  /** As published: the revision units were drawn under, and the phase that was on. */
  revision: z.int().min(1),
  phase: z.int().min(1),
  arm: name,
  reason: z.enum(exposureReasons),
  /** Null when the request named none. */
  unit: unitHash.nullable(),
});

/** One request that reached an endpoint. */
export const exposure = z.strictObject({
  requestId,
  endpoint: name,
  /** The endpoint's. */
  revision: z.int().min(1),
  /** When it arrived. */
  at: z.iso.datetime(),
  /**
   * The experiment that chose the arm. Where none did: the first of the endpoint's, with its reason. Null when the
   * endpoint had none running.
   */
  assignment: assignment.nullable(),
  /** The tasks that were asked; empty when the request failed before they were known. */
  tasks: z.array(name).max(64),
  /** Class of each sample, by task: where its output is largest. Truths that come later are compared with it. */
  predicted: z.record(name, z.array(z.int().min(0)).max(maxPredictions)),
  /** By the Worker's clock. `trunk` and `heads` are 0 for what did not run; several trunks are summed. */
  latencyMs: z.strictObject({ total: ms, load: ms, trunk: ms, heads: ms }),
  bytesLoaded: bytes,
  /** Size of ONNX Runtime's heap after the request. */
  heapBytes: bytes,
  /** Whether something had to be loaded first. */
  cold: z.boolean(),
  /** Why it was refused; null for an answer. */
  error: errorCode.nullable(),
  shadow: shadowRun.nullable(),
});
export type Exposure = z.infer<typeof exposure>;

/** Whether a refusal counts against the arm that served it; the others are the client's doing. */
export const isFault = (error: ErrorCode): boolean => error === 'internal' || error === 'unavailable';

/** The JSON of one batch, in bytes: a queue takes messages of 128 KB and adds about 100 bytes of its own. */
export const maxBatchBytes = 120_000;
export const maxBatchExposures = 200;

export const exposureBatch = z.strictObject({
  format: z.literal('trunkline.exposures/1'),
  exposures: z.array(exposure).min(1).max(maxBatchExposures),
});
export type ExposureBatch = z.infer<typeof exposureBatch>;
