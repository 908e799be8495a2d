import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../gpu-runner/bundle/bundle.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { generateKey, type Scope } from '../../shared/keys.ts';
import type { RoutingInput } from '../../shared/routing.ts';
import { blobKey, grantKey, manifestKey, routingKey } from '../../workers/store/published.ts';

/** Something that answers as the edge does, over storage that the test fills by hand. */
export abstract class TestedEdge {
  /** With a key that may infer. */
  readonly headers: Record<string, string> = {};

  protected abstract url(): Promise<string | URL>;
  protected abstract putContent(key: string, bytes: Uint8Array): Promise<void>;
  protected abstract deleteContent(key: string): Promise<void>;
  protected abstract putPointer(key: string, value: unknown): Promise<void>;
  abstract stop(): Promise<void>;

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, await this.url()), init);
  }

  /** Sends an inference request: bytes as they are, anything else as JSON. */
  ask(endpoint: string, body: unknown, extra: Record<string, string> = {}): Promise<Response> {
    return this.fetch(`/v2/models/${endpoint}/infer`, {
      method: 'POST',
      headers: { ...this.headers, ...extra },
      body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
    });
  }

  putBlob(sha256: string, bytes: Uint8Array): Promise<void> {
    return this.putContent(blobKey(sha256), bytes);
  }

  deleteBlob(sha256: string): Promise<void> {
    return this.deleteContent(blobKey(sha256));
  }

  putManifest(id: string, bytes: Uint8Array): Promise<void> {
    return this.putContent(manifestKey(id), bytes);
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
    const bundles = Object.fromEntries(
      Object.entries(tasks).map(([task, bundle]) => [task, { bundle: bundle.id }]),
    );
    const routing: RoutingInput = { endpoint, revision, tasks: bundles, experiments };
    await this.putPointer(routingKey(endpoint), routing);
  }

  async putKey(scopes: Scope[], expiresAt?: string): Promise<string> {
    const { id, key } = generateKey();
    await this.putPointer(grantKey(await sha256Hex(key)), { id, scopes, expiresAt });
    return key;
  }

  /** Waits until `look` finds something; the rest is for a machine that is busy. */
  protected async patiently<T>(look: () => T | null): Promise<T | null> {
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const found = look();
      if (found !== null) return found;
      await sleep(50);
    }
    return null;
  }
}
