import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Outcome } from '../../../shared/experiment-api.ts';
import type { InferenceClient } from '../client.ts';

/** The header that names the unit. */
export const unitHeader = 'x-visitor';

export interface VisitorOptions {
  readonly client: InferenceClient;
  readonly endpoint: string;
  /** Held-out images, by task. */
  readonly datasets: Readonly<Record<string, Dataset>>;
  /** Of each task, in one request. */
  readonly imagesPerTask: number;
  /** What their names begin with. */
  readonly prefix: string;
  readonly seed: number;
}

/** Requests on their way at once: the reply of one is read while the other is computed. */
const lanes = 2;

/**
 * Simulated visitors. Each sends one request a task, with images of that task drawn from the held-out ones, and asks for
 * all tasks on them; what the images truly show is known afterwards.
 */
export class Visitors {
  /** Visitors that have been served, by the arm that served them. */
  readonly servedBy = new Map<string, number>();
  private readonly options: VisitorOptions;
  private readonly random: Random;
  private count = 0;

  constructor(options: VisitorOptions) {
    this.options = options;
    this.random = new Random(options.seed);
  }

  get served(): number {
    return this.count;
  }

  get requests(): number {
    return this.count * Object.keys(this.options.datasets).length;
  }

  /** Sends the next `count` visitors' requests. @returns the truths of what they sent */
  async send(count: number): Promise<Outcome[]> {
    const { datasets, imagesPerTask, prefix } = this.options;
    const tasks = Object.entries(datasets);
    // Drawn before anything is sent, so that what each visitor asks does not depend on who is served first.
    const visits = Array.from({ length: count }, (_, place) => {
      const unit = `${prefix}-${this.count + place}`;
      const requests = tasks.map(([task, dataset]) => ({
        task,
        dataset,
        requestId: `${unit}.${task}`,
        indices: Array.from({ length: imagesPerTask }, () => this.random.integer(dataset.size)),
      }));
      return { unit, requests };
    });
    const waiting = visits.values();
    const lane = async (): Promise<void> => {
      for (const { unit, requests } of waiting) {
        let arm = '';
        for (const request of requests) arm = await this.ask(unit, request);
        this.servedBy.set(arm, (this.servedBy.get(arm) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    this.count += count;
    return visits.flatMap(({ requests }) =>
      requests.map(({ task, dataset, requestId, indices }) => ({
        requestId,
        task,
        truth: indices.map((index) => dataset.labels[index] ?? 0),
      })),
    );
  }

  /** @returns the arm that answered; "none" when no experiment is on */
  private async ask(
    unit: string,
    { dataset, requestId, indices }: { dataset: Dataset; requestId: string; indices: readonly number[] },
  ): Promise<string> {
    const { client, endpoint, datasets } = this.options;
    const dims = [indices.length, ...dataset.sampleDims];
    const headers = { [unitHeader]: unit, 'x-request-id': requestId };
    const response = await client.send(
      endpoint,
      Object.keys(datasets),
      dataset.inputs(indices),
      dims,
      headers,
    );
    await response.arrayBuffer();
    return response.headers.get('x-arm') ?? 'none';
  }
}
