import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { generateKey, type Scope } from '../../shared/keys.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The edge Worker as it is deployed (wrangler's bundle), in workerd, over storage that the test fills by hand. */
export class EdgeWorker {
  readonly #miniflare: Miniflare;
  readonly #folder: string;
  /** With a key that may infer. */
  readonly headers: Record<string, string> = {};

  private constructor(miniflare: Miniflare, folder: string) {
    this.#miniflare = miniflare;
    this.#folder = folder;
  }

  static async start(): Promise<EdgeWorker> {
    const folder = await mkdtemp(join(tmpdir(), 'trunkline-edge-'));
    const wrangler = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
    const args = ['deploy', '--dry-run', '--outdir', folder, '--config', 'workers/edge/wrangler.toml'];
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'logs') };
    await promisify(execFile)(process.execPath, [wrangler, ...args], { cwd: root, env });
    const wasm = (await readdir(folder)).filter((file) => file.endsWith('.wasm'));
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        modulesRoot: folder,
        modules: [
          { type: 'ESModule', path: join(folder, 'index.js') },
          ...wasm.map((file) => ({ type: 'CompiledWasm' as const, path: join(folder, file) })),
        ],
        compatibilityDate: '2026-11-01',
        r2Buckets: ['BUNDLES'],
        kvNamespaces: ['ROUTING'],
        // What the Worker logs about the refusals asked for here is noise in a test's output.
        handleStructuredLogs: () => undefined,
      }),
    );
    await miniflare.ready;
    const worker = new EdgeWorker(miniflare, folder);
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
  async putRouting(endpoint: string, revision: number, tasks: Record<string, Bundle>): Promise<void> {
    const routing = await this.#miniflare.getKVNamespace('ROUTING');
    const bundles = Object.fromEntries(
      Object.entries(tasks).map(([task, bundle]) => [task, { bundle: bundle.id }]),
    );
    await routing.put(`routing:${endpoint}`, JSON.stringify({ endpoint, revision, tasks: bundles }));
  }

  async putKey(scopes: Scope[], expiresAt?: string): Promise<string> {
    const { id, key } = generateKey();
    const routing = await this.#miniflare.getKVNamespace('ROUTING');
    await routing.put(`key:${await sha256Hex(key)}`, JSON.stringify({ id, scopes, expiresAt }));
    return key;
  }
}
