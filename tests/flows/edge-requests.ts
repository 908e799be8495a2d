import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect } from 'vitest';
import { writeModel } from '../../gpu-runner/onnx/write.ts';
import { wholeNetwork, type TaskName } from './edge-bundles.ts';

// What the flows of the edge send and what they make of the replies.

export const samples = (count: number, seed = 0): Float32Array =>
  Float32Array.from({ length: count * 4 }, (_, i) => Math.cos(seed + i * 0.9));

/** What ONNX Runtime's native build computes with the task's whole network. */
export async function reference(task: TaskName, inputs: Float32Array): Promise<number[]> {
  const session = await InferenceSession.create(writeModel(wholeNetwork(task)));
  const { [`${task}_logits`]: output } = await session.run({
    x: new Tensor('float32', inputs, [inputs.length / 4, 4]),
  });
  return Array.from(output?.data as Float32Array);
}

export const largestDifference = (a: readonly number[], b: readonly number[]): number => {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
};

export interface InferBody {
  model_name: string;
  model_version: string;
  id?: string;
  outputs: {
    name: string;
    datatype: string;
    shape: number[];
    data: never[];
    parameters?: { binary_data_size: number };
  }[];
}

export const jsonInput = (inputs: Float32Array) => ({
  name: 'x',
  shape: [inputs.length / 4, 4],
  datatype: 'FP32',
  data: Array.from(inputs),
});
export const question = (inputs: Float32Array, ...tasks: TaskName[]) => ({
  inputs: [jsonInput(inputs)],
  ...(tasks.length > 0 && { outputs: tasks.map((name) => ({ name })) }),
});
export async function answered(response: Response): Promise<InferBody> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as InferBody;
}
/** "load trunk head-digit", "trunk", "head-digit": what a request loaded and ran, in order. */
export const steps = (response: Response): string[] =>
  (response.headers.get('server-timing') ?? '')
    .split(', ')
    .map((entry) => entry.replace(/;dur=[\d.]+/, '').replace(/^load;desc="(.*)"$/, 'load $1'));

/** A binary request: the JSON, then the tensor. */
export function binaryBody(inputs: Float32Array, rest: Record<string, unknown> = {}) {
  const tensor = Buffer.from(inputs.buffer);
  const json = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'x',
          shape: [inputs.length / 4, 4],
          datatype: 'FP32',
          parameters: { binary_data_size: tensor.length },
        },
      ],
      ...rest,
    }),
  );
  return {
    body: new Uint8Array(Buffer.concat([json, tensor])),
    headers: { 'inference-header-content-length': String(json.length) },
  };
}
