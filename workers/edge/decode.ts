import { TrunklineError } from '../../shared/errors.ts';
import type { TensorSpec } from '../../shared/manifest.ts';
import { dataTypes, type Tensor } from '../../shared/tensor.ts';
import { decodeBinary } from './codec/binary.ts';
import { decodeJson } from './codec/json.ts';
import type { Endpoint } from './endpoint.ts';
import { limits } from './limits.ts';
import { datatype, parseInferenceRequest, type InferenceRequest } from './oip.ts';
import type { Tensors } from './backend.ts';

export interface WantedOutput {
  readonly task: string;
  readonly binary: boolean;
  /** How many classes to name instead of the scores; null for the scores. */
  readonly classes: number | null;
}

/** A request that the endpoint can answer. */
export interface Question {
  readonly id: string | undefined;
  readonly inputs: Tensors;
  /** What was asked for, or everything. */
  readonly outputs: readonly WantedOutput[];
}

/**
 * Reads an inference request and holds it against the endpoint.
 *
 * @param body the request's body: JSON, then the binary tensors in the order of the inputs.
 * @param headerLength the header `Inference-Header-Content-Length`: where the JSON ends. Null when everything is JSON,
 *   "0" when everything is the endpoint's single input.
 * @throws {TrunklineError} `invalid`, saying which name, type, shape or size is wrong; `too-large`, for JSON above its limit;
 *   `unsupported`, for types that ONNX Runtime Web does not take.
 */
export function decodeQuestion(endpoint: Endpoint, body: Uint8Array, headerLength: string | null): Question {
  const jsonBytes = headerLength === null ? body.length : Number(headerLength);
  if (!/^\d+$/.test(headerLength ?? '0') || jsonBytes > body.length) {
    throw new TrunklineError(
      'invalid',
      `Cannot read the request: Inference-Header-Content-Length is ${headerLength ?? ''}, the body has ${body.length} bytes`,
    );
  }
  if (headerLength !== null && jsonBytes === 0) return rawQuestion(endpoint, body);
  if (jsonBytes > limits.jsonBytes) {
    throw new TrunklineError(
      'too-large',
      `The JSON is too large: it has ${jsonBytes} bytes, the limit is ${limits.jsonBytes}; send tensors as binary data`,
    );
  }
  const request = parseInferenceRequest(body.subarray(0, jsonBytes));
  return {
    id: request.id,
    outputs: decodeOutputs(endpoint, request),
    inputs: decodeInputs(endpoint, request, body.subarray(jsonBytes)),
  };
}

function decodeInputs(endpoint: Endpoint, request: InferenceRequest, binary: Uint8Array): Tensors {
  const inputs: Record<string, Tensor> = {};
  let at = 0;
  for (const given of request.inputs) {
    const label = `Input "${given.name}"`;
    const spec = endpoint.inputs.find((one) => one.name === given.name);
    if (!spec) {
      const known = endpoint.inputs.map((one) => one.name).join(', ');
      throw new TrunklineError('invalid', `${label} is unknown: ${endpoint.name} reads ${known}`);
    }
    if (Object.hasOwn(inputs, given.name)) throw new TrunklineError('invalid', `${label} is given twice`);
    if (given.datatype !== datatype(spec.dtype)) {
      throw new TrunklineError(
        'invalid',
        `${label} has datatype ${given.datatype}, ${endpoint.name} reads ${datatype(spec.dtype)}`,
      );
    }
    requireShape(label, spec, given.shape);
    requireSupported(label, spec);
    const size = given.parameters?.binary_data_size;
    if (size === undefined) {
      inputs[given.name] = decodeJson(label, spec.dtype, given.shape, given.data);
      continue;
    }
    if (given.data !== undefined) {
      throw new TrunklineError('invalid', `${label} has both data and binary_data_size: send one of them`);
    }
    if (at + size > binary.length) {
      throw new TrunklineError(
        'invalid',
        `${label} is truncated: binary_data_size is ${size}, ${binary.length - at} bytes are left in the body`,
      );
    }
    inputs[given.name] = decodeBinary(label, spec.dtype, given.shape, binary.subarray(at, at + size));
    at += size;
  }
  if (at < binary.length) {
    throw new TrunklineError(
      'invalid',
      `The body has ${binary.length - at} bytes after the last tensor: the inputs declare ${at} bytes of binary data, ${binary.length} were sent`,
    );
  }
  requireAll(endpoint, inputs);
  return inputs;
}

function requireShape(label: string, { dims }: TensorSpec, shape: readonly number[]): void {
  const fits =
    shape.length === dims.length && shape.every((dim, i) => dim > 0 && (dims[i] === -1 || dims[i] === dim));
  if (fits) return;
  const reads = dims.some((dim) => dim === -1)
    ? `[${dims.join(', ')}], -1 being any size from 1`
    : `[${dims.join(', ')}]`;
  throw new TrunklineError('invalid', `${label} has shape [${shape.join(', ')}], the model reads ${reads}`);
}

function requireSupported(label: string, { dtype }: TensorSpec): void {
  if (dtype !== 'bfloat16') return;
  throw new TrunklineError('unsupported', `${label} is BF16, which ONNX Runtime Web cannot take`);
}

function requireAll(endpoint: Endpoint, inputs: Tensors): void {
  let batch: { name: string; size: number } | undefined;
  for (const { name, dims } of endpoint.inputs) {
    const tensor = inputs[name];
    if (!tensor) throw new TrunklineError('invalid', `Input "${name}" is missing`);
    const size = tensor.dims[0];
    if (dims[0] !== -1 || size === undefined) continue;
    batch ??= { name, size };
    if (batch.size !== size) {
      throw new TrunklineError(
        'invalid',
        `Input "${name}" has a batch of ${size}, input "${batch.name}" one of ${batch.size}`,
      );
    }
  }
}

function decodeOutputs(endpoint: Endpoint, request: InferenceRequest): WantedOutput[] {
  const binaryByDefault = request.parameters?.binary_data_output ?? false;
  if (!request.outputs?.length) return allOutputs(endpoint, binaryByDefault);
  const seen = new Set<string>();
  return request.outputs.map(({ name, parameters }) => {
    if (!endpoint.tasks.has(name)) {
      const known = [...endpoint.tasks.keys()].join(', ');
      throw new TrunklineError('invalid', `Output "${name}" is unknown: ${endpoint.name} answers ${known}`);
    }
    if (seen.has(name)) throw new TrunklineError('invalid', `Output "${name}" is asked for twice`);
    seen.add(name);
    return {
      task: name,
      binary: parameters?.binary_data ?? binaryByDefault,
      // Zero asks for the scores, as real clients send it.
      classes: parameters?.classification ? parameters.classification : null,
    };
  });
}

const allOutputs = (endpoint: Endpoint, binary: boolean): WantedOutput[] =>
  Array.from(endpoint.tasks.keys(), (task) => ({ task, binary, classes: null }));

/** The whole body is the one input; its batch follows from its size. Answers come as binary data too. */
function rawQuestion(endpoint: Endpoint, body: Uint8Array): Question {
  const [spec, ...others] = endpoint.inputs;
  if (!spec || others.length > 0) {
    throw new TrunklineError(
      'invalid',
      `Cannot read a raw body: ${endpoint.name} reads ${endpoint.inputs.length} inputs, not one`,
    );
  }
  const label = `Input "${spec.name}"`;
  requireSupported(label, spec);
  const [first, ...rest] = spec.dims;
  const size = dataTypes[spec.dtype].bytes;
  if (rest.includes(-1) || size === null) {
    throw new TrunklineError(
      'invalid',
      `Cannot read a raw body: ${label} is ${datatype(spec.dtype)} of [${spec.dims.join(', ')}], which its bytes alone do not determine`,
    );
  }
  const bytesOfOne = rest.reduce((product, dim) => product * dim, size);
  const batch = body.length / bytesOfOne;
  if (first === -1 && (!Number.isInteger(batch) || batch === 0)) {
    throw new TrunklineError(
      'invalid',
      `${label} has ${body.length} bytes, which is not a multiple of the ${bytesOfOne} of one sample`,
    );
  }
  const dims = first === -1 ? [batch, ...rest] : spec.dims;
  const tensor = decodeBinary(label, spec.dtype, dims, body);
  return { id: undefined, inputs: { [spec.name]: tensor }, outputs: allOutputs(endpoint, true) };
}
