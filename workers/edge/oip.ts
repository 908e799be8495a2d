import { z } from 'zod';
import { TrunklineError } from '../../shared/errors.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { dataTypes, type DataType } from '../../shared/tensor.ts';
import type { Endpoint } from './endpoint.ts';

// The Open Inference Protocol (v2, REST) in data. A model is an endpoint, its version the routing's revision, its outputs
// are the endpoint's tasks.

export const extensions = ['binary_tensor_data', 'classification'];

/** Names and ids come back in replies and messages. */
const text = z.string().max(256);

const outputParameters = z.looseObject({
  binary_data: z.boolean().optional(),
  classification: z.int().min(0).optional(),
});

/** What an inference request says, before it is held against the endpoint. Unknown members and parameters are tolerated. */
export const inferenceRequest = z.object({
  id: text.optional(),
  parameters: z.looseObject({ binary_data_output: z.boolean().optional() }).optional(),
  inputs: z
    .array(
      z.object({
        name: text,
        shape: z.array(z.int()).max(8),
        datatype: text,
        parameters: z.looseObject({ binary_data_size: z.int().min(0).optional() }).optional(),
        data: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(64),
  outputs: z
    .array(z.object({ name: text, parameters: outputParameters.optional() }))
    .max(256)
    .optional(),
});
export type InferenceRequest = z.infer<typeof inferenceRequest>;

/** @throws {TrunklineError} `invalid`, naming the members that are wrong. */
export function parseInferenceRequest(json: Uint8Array): InferenceRequest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(json));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TrunklineError('invalid', `Cannot read the request: it is not JSON (${why})`, { cause: error });
  }
  const parsed = inferenceRequest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TrunklineError('invalid', `Cannot read the request: ${explainIssues(parsed.error)}`);
}

/** The protocol's name of a type. */
export const datatype = (dtype: DataType): string => dataTypes[dtype].oip;

export interface TensorMetadata {
  name: string;
  datatype: string;
  /** -1 is variable. */
  shape: number[];
}

export interface ModelMetadata {
  name: string;
  versions: string[];
  platform: string;
  inputs: TensorMetadata[];
  outputs: TensorMetadata[];
}

export function modelMetadata(endpoint: Endpoint): ModelMetadata {
  return {
    name: endpoint.name,
    versions: [String(endpoint.revision)],
    platform: 'onnxruntime_onnx',
    inputs: endpoint.inputs.map(({ name, dtype, dims }) => ({
      name,
      datatype: datatype(dtype),
      shape: dims,
    })),
    outputs: Array.from(endpoint.tasks.values(), ({ name, head: { output } }) => ({
      name,
      datatype: datatype(output.dtype),
      shape: output.dims,
    })),
  };
}
