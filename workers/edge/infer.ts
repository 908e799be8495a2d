import type { Context } from 'hono';
import { shadowArm } from '../../shared/bucketing.ts';
import { TrunklineError, type ErrorCode } from '../../shared/errors.ts';
import type { Arm } from '../../shared/experiment.ts';
import { requestId as requestIdFormat, type ShadowRun } from '../../shared/exposure.ts';
import type { Placement } from './assignment.ts';
import { readBody } from './body.ts';
import { decodeQuestion, type Question } from './decode.ts';
import { encodeReply } from './encode.ts';
import type { Endpoint } from './endpoint.ts';
import { describeExposure, type Visit } from './exposure.ts';
import { finishing } from './finishing.ts';
import { forward, type Answer, type Step } from './forward.ts';
import { limits } from './limits.ts';
import { noTransform, renderError } from './reply.ts';
import type { Services } from './services.ts';

/**
 * Answers an inference request with the arm it was placed in. Afterwards, when nobody waits any more, runs the shadow
 * and tells the control plane.
 */
export async function infer(
  services: Services,
  c: Context,
  endpoint: Endpoint,
  placement: Placement | null,
): Promise<Response> {
  const at = new Date();
  let started = performance.now();
  const requestId = requestIdOf(c.req.raw.headers);
  let question: Question | null = null;
  let answer: Answer | null = null;
  let error: ErrorCode | null = null;
  let heapBytes = 0;
  let response: Response;
  try {
    const body = await readBody(c.req.raw, limits.bodyBytes);
    // How fast the client sends is not the arm's doing.
    started = performance.now();
    // The bundles of one arm may be broken while those of the others are not.
    const served = placement ? await services.endpoints.withArm(endpoint, placement.arm) : endpoint;
    question = decodeQuestion(served, body, c.req.header('inference-header-content-length') ?? null);
    const asked = tasksOf(question);
    answer = await finishing(c, forward(services.pool, served, asked, question.inputs));
    heapBytes = await services.heapBytes();
    const { body: content, headers } = encodeReply(served, question, answer.outputs);
    response = new Response(content, {
      headers: {
        ...headers,
        'cache-control': noTransform,
        'server-timing': serverTiming(answer.steps),
        'x-trunkline-heap-bytes': String(heapBytes),
      },
    });
  } catch (thrown) {
    error = thrown instanceof TrunklineError ? thrown.code : 'internal';
    response = renderError(thrown, c);
  }
  response.headers.set('x-request-id', requestId);
  if (placement) {
    response.headers.set('x-experiment', placement.experiment.experiment);
    response.headers.set('x-arm', placement.arm.name);
  }

  const totalMs = performance.now() - started;
  const asked = question ? tasksOf(question) : [];
  const visit: Visit = { requestId, at, endpoint, placement, asked, answer, error, totalMs, heapBytes };
  const other = error === null ? shadowOf(placement, requestId) : null;
  const shadow =
    other && question && answer
      ? services.shadows.run({ endpoint, inputs: question.inputs, outputs: answer.outputs }, other)
      : null;
  const samples = Object.values(question?.inputs ?? {})[0]?.dims[0] ?? 1;
  const counted = {
    endpoint: endpoint.name,
    at,
    ...(error === null ? { error, totalMs, samples } : { error }),
  };
  c.executionCtx.waitUntil(services.counter.count(counted));
  c.executionCtx.waitUntil(tell(services, visit, shadow));
  return response;
}

/** Never fails: nobody would hear of it. */
async function tell(
  services: Services,
  visit: Visit,
  shadow: Promise<ShadowRun | null> | null,
): Promise<void> {
  try {
    await services.exposures.add(await describeExposure(visit, await shadow));
  } catch (error) {
    console.error(`Cannot tell about request ${visit.requestId}:`, error);
  }
}

const tasksOf = (question: Question): string[] => question.outputs.map((output) => output.task);

/** The client's own id, when it can be one: what stands before Workers may set the header to anything. */
function requestIdOf(headers: Headers): string {
  const given = requestIdFormat.safeParse(headers.get('x-request-id'));
  return given.success ? given.data : crypto.randomUUID();
}

/** The arm to run after the reply, if any. Whoever names an arm tries it out: that is not the traffic to compare on. */
const shadowOf = (placement: Placement | null, requestId: string): Arm | null =>
  placement === null || placement.reason === 'addressed'
    ? null
    : shadowArm(placement.experiment, placement.arm.name, requestId);

/** `load;dur=93;desc="trunk digit", trunk;dur=1, head-digit;dur=0`: one entry for every load and every run. */
const serverTiming = (steps: readonly Step[]): string =>
  steps
    .map(({ what, parts, ms }) => {
      const names = parts.map((task) => (task === null ? 'trunk' : `head-${task}`));
      return what === 'load' ? `load;dur=${ms};desc="${names.join(' ')}"` : `${names.join()};dur=${ms}`;
    })
    .join(', ');
