import { z } from 'zod';
import type { Dataset } from '../../gpu-runner/engine/dataset.ts';

/** One held-out image and what it truly shows. */
export interface Question {
  readonly task: string;
  readonly index: number;
  readonly endpoint: string;
}

export interface Reply {
  readonly question: Question;
  /** What the image's own task answered, [classes]. */
  readonly logits: Float32Array;
  /** From before the request was sent until its whole reply was read, ms. */
  readonly latencyMs: number;
}

const replyHeader = z.object({
  outputs: z.array(z.object({ name: z.string(), parameters: z.object({ binary_data_size: z.int() }) })),
});

/** An Open Inference Protocol client, as small as this demo needs: one image in, every task's logits out, binary both ways. */
export class InferenceClient {
  private readonly url: string;
  private readonly key: string;

  constructor(url: string, key: string) {
    this.url = url;
    this.key = key;
  }

  /** Loads the endpoint's sessions, so that no question waits for them. @throws {Error} when it does not get ready. */
  async waitUntilReady(endpoint: string): Promise<void> {
    const response = await fetch(`${this.url}/v2/models/${endpoint}/ready`, {
      headers: { authorization: `Bearer ${this.key}` },
    });
    if (!response.ok)
      throw new Error(`Cannot use "${endpoint}": ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  /**
   * Asks an endpoint for `tasks` on images, [n, 1, 28, 28].
   *
   * @throws {Error} with the server's sentence when it refuses
   */
  async send(
    endpoint: string,
    tasks: readonly string[],
    images: Float32Array,
    dims: readonly number[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const header = new TextEncoder().encode(
      JSON.stringify({
        inputs: [
          {
            name: 'image',
            datatype: 'FP32',
            shape: dims,
            parameters: { binary_data_size: images.byteLength },
          },
        ],
        outputs: tasks.map((name) => ({ name, parameters: { binary_data: true } })),
      }),
    );
    const pixels = new Uint8Array(images.buffer, images.byteOffset, images.byteLength);
    const response = await fetch(`${this.url}/v2/models/${endpoint}/infer`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.key}`,
        'inference-header-content-length': String(header.byteLength),
        ...headers,
      },
      body: Buffer.concat([header, pixels]),
    });
    if (!response.ok)
      throw new Error(`Cannot infer with "${endpoint}": ${response.status} ${await response.text()}`);
    return response;
  }

  /** The logits of each task on one image. @throws {Error} as `send()` does */
  async ask(
    endpoint: string,
    tasks: readonly string[],
    image: Float32Array,
    dims: readonly number[],
  ): Promise<Map<string, Float32Array>> {
    const response = await this.send(endpoint, tasks, image, dims);
    const body = await response.arrayBuffer();
    const headerBytes = Number(response.headers.get('inference-header-content-length'));
    const { outputs } = replyHeader.parse(JSON.parse(new TextDecoder().decode(body.slice(0, headerBytes))));
    let offset = headerBytes;
    return new Map(
      outputs.map(({ name, parameters }) => {
        const start = offset;
        offset += parameters.binary_data_size;
        return [name, new Float32Array(body.slice(start, offset))];
      }),
    );
  }

  /** Asks every question in the order given, one request at a time, each for all of `tasks`. */
  async askAll(
    questions: readonly Question[],
    datasets: Readonly<Record<string, Dataset>>,
    tasks: readonly string[],
    onProgress: (done: number) => void,
  ): Promise<Reply[]> {
    const replies: Reply[] = [];
    for (const question of questions) {
      const dataset = datasets[question.task];
      if (!dataset) throw new Error(`Cannot ask about task "${question.task}": no data set`);
      const image = dataset.inputs([question.index]);
      const started = performance.now();
      const answers = await this.ask(question.endpoint, tasks, image, [1, ...dataset.sampleDims]);
      const latencyMs = performance.now() - started;
      const logits = answers.get(question.task);
      if (!logits)
        throw new Error(
          `Cannot read the reply of "${question.endpoint}": task "${question.task}" is missing`,
        );
      replies.push({ question, logits, latencyMs });
      onProgress(replies.length);
    }
    return replies;
  }
}
