import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare, Response as MiniflareResponse } from 'miniflare';
import type { Exposure } from '../../shared/exposure.ts';
import { edgeMessage, requestsOf, type TrafficCount } from '../../shared/traffic-message.ts';
import { TestedEdge } from './tested-edge.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Consumes the queue in the control plane's place: hands every message to the test. */
const sink = `export default {
  async queue(batch, env) {
    for (const { body } of batch.messages) {
      await env.TEST.fetch('http://test/', { method: 'POST', body: JSON.stringify(body) });
    }
  },
};`;

/** The edge Worker as it is deployed (wrangler's bundle), in workerd, over storage that the test fills by hand. */
export class EdgeWorker extends TestedEdge {
  readonly #miniflare: Miniflare;
  readonly #folder: string;
  /** What came through the queue, message by message. */
  readonly batches: Exposure[][];
  /** Counts of requests, those of all messages. */
  readonly counts: TrafficCount[];

  private constructor(
    miniflare: Miniflare,
    folder: string,
    told: { batches: Exposure[][]; counts: TrafficCount[] },
  ) {
    super();
    this.#miniflare = miniflare;
    this.#folder = folder;
    this.batches = told.batches;
    this.counts = told.counts;
  }

  static async start(): Promise<EdgeWorker> {
    const folder = await mkdtemp(join(tmpdir(), 'trunkline-edge-'));
    const wrangler = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
    const args = ['deploy', '--dry-run', '--outdir', folder, '--config', 'workers/edge/wrangler.toml'];
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'logs') };
    await promisify(execFile)(process.execPath, [wrangler, ...args], { cwd: root, env });
    const wasm = (await readdir(folder)).filter((file) => file.endsWith('.wasm'));
    const told = { batches: [] as Exposure[][], counts: [] as TrafficCount[] };
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        // What the Worker logs about the refusals asked for here is noise in a test's output.
        handleStructuredLogs: () => undefined,
        workers: [
          {
            name: 'edge',
            modulesRoot: folder,
            modules: [
              { type: 'ESModule', path: join(folder, 'index.js') },
              ...wasm.map((file) => ({ type: 'CompiledWasm' as const, path: join(folder, file) })),
            ],
            compatibilityDate: '2026-11-01',
            r2Buckets: ['BUNDLES'],
            kvNamespaces: ['ROUTING'],
            queueProducers: { EXPOSURES: 'exposures' },
          },
          {
            name: 'sink',
            modules: true,
            script: sink,
            compatibilityDate: '2026-11-01',
            queueConsumers: { exposures: { maxBatchTimeout: 0 } },
            serviceBindings: {
              TEST: async (request) => {
                const message = edgeMessage.parse(await request.json());
                if (message.format === 'trunkline.traffic/1') told.counts.push(...message.counts);
                else told.batches.push(message.exposures);
                return new MiniflareResponse();
              },
            },
          },
        ],
      }),
    );
    await miniflare.ready;
    const worker = new EdgeWorker(miniflare, folder, told);
    worker.headers.authorization = `Bearer ${await worker.putKey(['infer'])}`;
    return worker;
  }

  override async stop(): Promise<void> {
    await this.#miniflare.dispose();
    await rm(this.#folder, { recursive: true, force: true });
  }

  protected override url(): Promise<URL> {
    return this.#miniflare.ready;
  }

  protected override async putContent(key: string, bytes: Uint8Array): Promise<void> {
    await (await this.#miniflare.getR2Bucket('BUNDLES')).put(key, bytes);
  }

  protected override async deleteContent(key: string): Promise<void> {
    await (await this.#miniflare.getR2Bucket('BUNDLES')).delete(key);
  }

  protected override async putPointer(key: string, value: unknown): Promise<void> {
    await (await this.#miniflare.getKVNamespace('ROUTING')).put(key, JSON.stringify(value));
  }

  /** The exposures of these requests, in their order, once they have come through the queue. */
  async exposures(ids: readonly string[]): Promise<Exposure[]> {
    // Time for a batch to be sent, and for shadows before it.
    const found = await this.patiently(() => {
      const known = new Map(this.batches.flat().map((one) => [one.requestId, one]));
      const all = ids.flatMap((id) => known.get(id) ?? []);
      return all.length === ids.length ? all : null;
    });
    if (found) return found;
    throw new Error(`No exposure came for one of ${ids.join(', ')}`);
  }

  /** What was counted of an endpoint, once so many requests of it were. */
  async counted(endpoint: string, requests: number): Promise<TrafficCount[]> {
    const found = await this.patiently(() => {
      const own = this.counts.filter((one) => one.endpoint === endpoint);
      return own.reduce((sum, one) => sum + requestsOf(one), 0) >= requests ? own : null;
    });
    if (found) return found;
    throw new Error(`No ${requests} requests of ${endpoint} were counted`);
  }
}
