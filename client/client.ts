import { bundleView, type BundleView } from '../shared/api.ts';
import type { ExperimentReport } from '../shared/experiment-report.ts';
import { gcReply, type GcReply, type GcRequest } from '../shared/registry.ts';
import { EndpointsApi } from './endpoints.ts';
import { ExperimentsApi } from './experiments.ts';
import { HttpClient, type ClientOptions } from './http.ts';
import { Jobs } from './jobs.ts';
import { KeysApi } from './keys.ts';
import { Registry } from './registry.ts';
import { Uploads } from './uploads.ts';

/**
 * The control API, typed by the schemas it validates with. Uses nothing but `fetch`: it runs in Node, in browsers and in
 * Workers alike.
 */
export class TrunklineClient {
  readonly http: HttpClient;
  readonly models: Registry<'models'>;
  readonly datasets: Registry<'datasets'>;
  readonly bundles: Registry<'bundles'>;
  readonly uploads: Uploads;
  readonly jobs: Jobs;
  readonly endpoints: EndpointsApi;
  readonly experiments: ExperimentsApi;
  readonly keys: KeysApi;

  constructor(options: ClientOptions) {
    this.http = new HttpClient(options);
    this.models = new Registry(this.http, 'models');
    this.datasets = new Registry(this.http, 'datasets');
    this.bundles = new Registry(this.http, 'bundles');
    this.uploads = new Uploads(this.http);
    this.jobs = new Jobs(this.http);
    this.endpoints = new EndpointsApi(this.http);
    this.experiments = new ExperimentsApi(this.http);
    this.keys = new KeysApi(this.http);
  }

  /** Content by its digest. @param range first and last byte */
  blob(sha256: string, range?: readonly [number, number]): Promise<Response> {
    const headers = range ? { range: `bytes=${range[0]}-${range[1]}` } : {};
    return this.http.send({ method: 'GET', path: ['v1', 'blobs', sha256], headers });
  }

  /** A bundle whose files are there. */
  publishManifest(manifestBytes: Uint8Array<ArrayBuffer>): Promise<BundleView> {
    return this.http.read(bundleView, {
      method: 'POST',
      path: ['v1', 'bundles'],
      bytes: manifestBytes,
      headers: { 'content-type': 'application/json' },
      repeatable: true,
    });
  }

  /** The manifest of a bundle, byte for byte. @param id its digest */
  async manifest(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.http.send({ method: 'GET', path: ['v1', 'bundles', id] });
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Deletes what nothing refers to, or says what would go: part by part, until all was looked at. */
  async *collectGarbage(request: Omit<GcRequest, 'cursor'> = {}): AsyncGenerator<GcReply, void, void> {
    for (let cursor: string | null = null; ;) {
      const reply: GcReply = await this.http.read(gcReply, {
        method: 'POST',
        path: ['v1', 'gc'],
        json: { ...request, ...(cursor !== null && { cursor }) },
        repeatable: true,
      });
      yield reply;
      if (reply.next === null) return;
      cursor = reply.next;
    }
  }

  /** How an experiment stands. */
  experimentReport(name: string): Promise<ExperimentReport> {
    return this.experiments.report(name);
  }
}
