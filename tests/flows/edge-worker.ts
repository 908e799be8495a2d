import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare, Response as MiniflareResponse } from 'miniflare';
import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { exposureBatch, type Exposure } from '../../shared/exposure.ts';
import { generateKey, type Scope } from '../../shared/keys.ts';
import type { RoutingInput } from '../../shared/routing.ts';

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
export class EdgeWorker {
  readonly #miniflare: Miniflare;
  readonly #folder: string;
  /** With a key that may infer. */
  readonly headers: Record<string, string> = {};
  /** What came through the queue, message by message. */
  readonly batches: Exposure[][];

  private constructor(miniflare: Miniflare, folder: string, batches: Exposure[][]) {
    this.#miniflare = miniflare;
    this.#folder = folder;
    this.batches = batches;
  }

  static async start(): Promise<EdgeWorker> {
    const folder = await mkdtemp(join(tmpdir(), 'trunkline-edge-'));
    const wrangler = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
    const args = ['deploy', '--dry-run', '--outdir', folder, '--config', 'workers/edge/wrangler.toml'];
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'logs') };
    await promisify(execFile)(process.execPath, [wrangler, ...args], { cwd: root, env });
    const wasm = (await readdir(folder)).filter((file) => file.endsWith('.wasm'));
    const batches: Exposure[][] = [];
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
                batches.push(exposureBatch.parse(await request.json()).exposures);
                return new MiniflareResponse();
              },
            },
          },
        ],
      }),
    );
    await miniflare.ready;
    const worker = new EdgeWorker(miniflare, folder, batches);
    worker.headers.authorization = `Bearer ${await worker.putKey(['infer'])}`;
    return worker;
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, await this.#miniflare.ready);
    return fetch(url, init);
  }

  /** Sends an inference request: bytes as they are, anything else as JSON. */
  ask(endpoint: string, body: unknown, extra: Record<string, string> = {}): Promise<Response> {
    return this.fetch(`/v2/models/${endpoint}/infer`, {
      method: 'POST',
      headers: { ...this.headers, ...extra },
      body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
    });
  }

  async putBlob(sha256: string, bytes: Uint8Array): Promise<void> {
    const bucket = await this.#miniflare.getR2Bucket('BUNDLES');
    await bucket.put(`blobs/${sha256}`, bytes);
  }

  async deleteBlob(sha256: string): Promise<void> {
    const bucket = await this.#miniflare.getR2Bucket('BUNDLES');
    await bucket.delete(`blobs/${sha256}`);
  }

  async putManifest(id: string, bytes: Uint8Array): Promise<void> {
    const bucket = await this.#miniflare.getR2Bucket('BUNDLES');
    await bucket.put(`manifests/${id}.json`, bytes);
  }

  async putBundle(bundle: Bundle): Promise<void> {
    for (const { path, sha256 } of bundle.manifest.files) {
      await this.putBlob(sha256, bundle.files.get(path) ?? new Uint8Array(0));
    }
    await this.putManifest(bundle.id, bundle.manifestBytes);
  }

  /** The same networks in a bundle of another id, so that no session of it is loaded. */
  async putRenamed(bundle: Bundle, name: string): Promise<Bundle> {
    const manifestBytes = new TextEncoder().encode(JSON.stringify({ ...bundle.manifest, name }));
    const copy = { ...bundle, manifestBytes, id: await sha256Hex(manifestBytes) };
    await this.putBundle(copy);
    return copy;
  }

  /** Publishes an endpoint; `tasks` gives the bundle that answers each. */
  async putRouting(
    endpoint: string,
    revision: number,
    tasks: Record<string, Bundle>,
    experiments: RoutingInput['experiments'] = [],
  ): Promise<void> {
    const kv = await this.#miniflare.getKVNamespace('ROUTING');
    const bundles = Object.fromEntries(
      Object.entries(tasks).map(([task, bundle]) => [task, { bundle: bundle.id }]),
    );
    const routing: RoutingInput = { endpoint, revision, tasks: bundles, experiments };
    await kv.put(`routing:${endpoint}`, JSON.stringify(routing));
  }

  /** The exposures of these requests, in their order, once they have come through the queue. */
  async exposures(ids: readonly string[]): Promise<Exposure[]> {
    // Time for a batch to be sent, and for shadows before it; the rest is for a machine that is busy.
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const known = new Map(this.batches.flat().map((one) => [one.requestId, one]));
      const found = ids.flatMap((id) => known.get(id) ?? []);
      if (found.length === ids.length) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`No exposure came for one of ${ids.join(', ')}`);
  }

  async putKey(scopes: Scope[], expiresAt?: string): Promise<string> {
    const { id, key } = generateKey();
    const routing = await this.#miniflare.getKVNamespace('ROUTING');
    await routing.put(`key:${await sha256Hex(key)}`, JSON.stringify({ id, scopes, expiresAt }));
    return key;
  }
}
