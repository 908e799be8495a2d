import { TrunklineError } from '../../shared/errors.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { encodeBinary } from './codec/binary.ts';
import { classify } from './codec/classification.ts';
import { encodeJson } from './codec/json.ts';
import type { Question } from './decode.ts';
import type { Endpoint } from './endpoint.ts';
import { inMiB, limits } from './limits.ts';
import { datatype } from './oip.ts';

export interface Reply {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The reply to an inference request: JSON, then the outputs asked for as binary data, in the order they were asked for.
 *
 * @param answers by task; an answer for every output of the question.
 * @throws {TrunklineError} `invalid`, when an output asked for in JSON has no JSON form; `too-large`, above the limits.
 */
export function encodeReply(
  endpoint: Endpoint,
  question: Question,
  answers: ReadonlyMap<string, Tensor>,
): Reply {
  requireReplySize(answers);
  const binaries: Uint8Array[] = [];
  const outputs = question.outputs.map(({ task, binary, classes }) => {
    const scores = answers.get(task);
    if (!scores) throw new TrunklineError('internal', `Nothing answered output "${task}"`);
    const labels = endpoint.tasks.get(task)?.head.labels ?? [];
    const tensor = classes === null ? scores : classify(task, scores, classes, labels);
    const common = { name: task, datatype: datatype(tensor.dtype), shape: tensor.dims };
    if (!binary) return { ...common, data: encodeJson(`Output "${task}"`, tensor) };
    const bytes = encodeBinary(tensor);
    binaries.push(bytes);
    return { ...common, parameters: { binary_data_size: bytes.length } };
  });
  const version = String(endpoint.revision);
  const json = new TextEncoder().encode(
    JSON.stringify({ model_name: endpoint.name, model_version: version, id: question.id, outputs }),
  );
  const headers = {
    // A known client loses model_version from the body.
    'x-trunkline-model-version': version,
    'content-type': 'application/json',
  };
  if (binaries.length === 0) return { body: json, headers };

  const body = new Uint8Array(binaries.reduce((sum, bytes) => sum + bytes.length, json.length));
  body.set(json);
  let at = json.length;
  for (const bytes of binaries) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return {
    body,
    headers: {
      ...headers,
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(json.length),
    },
  };
}

function requireReplySize(answers: ReadonlyMap<string, Tensor>): void {
  let total = 0;
  for (const { dtype, data } of answers.values()) {
    total += dtype === 'string' ? data.reduce((sum, text) => sum + text.length, 0) : data.byteLength;
  }
  if (total <= limits.replyBytes) return;
  throw new TrunklineError(
    'too-large',
    `The reply is too large: ${inMiB(total)} of outputs, the limit is ${inMiB(limits.replyBytes)}; send a smaller batch`,
  );
}
