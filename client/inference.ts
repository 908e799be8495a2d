import { z } from 'zod';
import { dataTypes, elementCount, type Tensor } from '../shared/tensor.ts';
import { HttpClient, type ClientOptions } from './http.ts';
import { readServerTiming, type Timing } from './serverTiming.ts';

// The Open Inference Protocol (v2) as a client: inputs travel in binary, answers come as JSON.

const tensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });

export const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensorMetadata),
  outputs: z.array(tensorMetadata),
});
export type ModelMetadata = z.infer<typeof modelMetadata>;

const inferReply = z.object({
  model_name: z.string(),
  model_version: z.string(),
  outputs: z.array(tensorMetadata.extend({ data: z.array(z.union([z.number(), z.string(), z.boolean()])) })),
});

/** What an endpoint answered, by task. */
export interface Inference {
  readonly version: string;
  readonly outputs: Readonly<Record<string, InferenceOutput>>;
  /** What the service told beside the answer. */
  readonly served: Served;
}

/** How a request was answered: by the headers of the reply. */
export interface Served {
  readonly requestId: string | null;
  /** The experiment the request was part of and the arm that answered it. */
  readonly experiment: string | null;
  readonly arm: string | null;
  /** `load`, `trunk` and `head-<task>`: what was loaded and run, in milliseconds of the service's clock. */
  readonly timing: readonly Timing[];
}

export interface InferenceOutput {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

/** A class of an answer that was asked for as classes. */
export interface Classification {
  readonly value: number;
  readonly index: number;
  /** Empty where the bundle has none. */
  readonly label: string;
}

export interface InferOptions {
  /** All, when left out. */
  readonly tasks?: readonly string[] | undefined;
  /** Instead of numbers the best so many classes of each answer: see `readClasses()`. */
  readonly classes?: number | undefined;
  /** Further headers: who the unit of an experiment is, which arm shall answer. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the edge, or `trunkline serve`, answers. */
export class InferenceClient {
  readonly #http: HttpClient;

  constructor(options: ClientOptions) {
    this.#http = new HttpClient(options);
  }

  /** What the endpoint reads and answers. */
  metadata(endpoint: string): Promise<ModelMetadata> {
    return this.#http.read(modelMetadata, { method: 'GET', path: ['v2', 'models', endpoint] });
  }

  /** @throws {ApiError} with the service's sentence; {TypeError} for inputs that the protocol has no type for */
  async infer(
    endpoint: string,
    inputs: Readonly<Record<string, Tensor>>,
    { tasks, classes, headers: more, signal }: InferOptions = {},
  ): Promise<Inference> {
    const asked = tasks ?? (classes === undefined ? undefined : await this.#allTasks(endpoint));
    const tensors = Object.entries(inputs).map(([name, tensor]) => ({
      name,
      tensor,
      bytes: raw(name, tensor),
    }));
    const header = new TextEncoder().encode(
      JSON.stringify({
        inputs: tensors.map(({ name, tensor, bytes }) => ({
          name,
          datatype: dataTypes[tensor.dtype].oip,
          shape: tensor.dims,
          parameters: { binary_data_size: bytes.length },
        })),
        ...(asked && {
          outputs: asked.map((name) => ({
            name,
            ...(classes !== undefined && { parameters: { classification: classes } }),
          })),
        }),
      }),
    );
    const { body, headers } = await this.#http.readWithHeaders(inferReply, {
      method: 'POST',
      path: ['v2', 'models', endpoint, 'infer'],
      bytes: joined([header, ...tensors.map(({ bytes }) => bytes)]),
      headers: {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(header.length),
        ...more,
      },
      // Asking changes nothing but counts.
      repeatable: true,
      signal,
    });
    const { model_version: version, outputs } = body;
    return {
      version,
      served: {
        requestId: headers.get('x-request-id'),
        experiment: headers.get('x-experiment'),
        arm: headers.get('x-arm'),
        timing: readServerTiming(headers.get('server-timing')),
      },
      outputs: Object.fromEntries(
        outputs.map(({ name, datatype, shape, data }) => [name, { datatype, shape, data }]),
      ),
    };
  }

  async #allTasks(endpoint: string): Promise<string[]> {
    return (await this.metadata(endpoint)).outputs.map(({ name }) => name);
  }
}

/** The classes of an answer asked for with `classes`: one list a sample, best first. */
export function readClasses(output: InferenceOutput): Classification[][] {
  const perSample = output.shape.at(-1) ?? output.data.length;
  const all = output.data.map((text) => {
    const [value = '', index = '', ...label] = String(text).split(':');
    return { value: Number(value), index: Number(index), label: label.join(':') };
  });
  return Array.from({ length: perSample === 0 ? 0 : all.length / perSample }, (_, sample) =>
    all.slice(sample * perSample, (sample + 1) * perSample),
  );
}

/** The tensor's elements as the protocol sends them: little-endian, as all hardware this runs on. */
function raw(name: string, { dtype, dims, data }: Tensor): Uint8Array {
  if (elementCount(dims) !== data.length)
    throw new TypeError(
      `Cannot send "${name}": [${dims.join()}] has ${elementCount(dims)} elements, its data ${data.length}`,
    );
  if (dtype === 'string') {
    const parts = data.flatMap((text) => {
      const bytes = new TextEncoder().encode(text);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length, true);
      return [length, bytes];
    });
    return joined(parts);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
