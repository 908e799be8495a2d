/** The control API's uploads, blobs and runner routes in memory, after the contract in shared/, with time of its own. */
import { createHash, randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import {
  checkpointRequest,
  claimReply,
  claimRequest,
  completeRequest,
  failRequest,
  heartbeatRequest,
  type Checkpoint,
  type ClaimReply,
  type CompleteRequest,
  type JobState,
  type Progress,
} from '../../../shared/jobs.ts';
import { createUploadRequest, partCount, partSize } from '../../../shared/uploads.ts';
import { jobView } from './jobs.ts';

export interface FakeJob {
  readonly id: string;
  readonly view: ClaimReply['job'];
  readonly inputs: ClaimReply['inputs'];
  state: JobState;
  token: number;
  /** Attempts begun. */
  claims: number;
  attempts: number;
  expiresAt: number;
  cancelRequested: boolean;
  checkpoint: Checkpoint | null;
  readonly checkpoints: Checkpoint[];
  readonly progress: Progress[];
  readonly results: CompleteRequest['result'][];
  reason: string | null;
  readonly handedBack: number[];
}

export interface FakePlatform {
  readonly url: string;
  readonly key: string;
  /** What the project may refer to. */
  readonly blobs: Map<string, Buffer>;
  /** What somebody put into the bucket past the service. */
  readonly bucket: Map<string, Buffer>;
  readonly jobs: FakeJob[];
  /** "METHOD /path". */
  readonly requests: string[];
  leaseMs: number;
  partBytes: number;
  /** A status instead of an answer, or "lose": done, but the connection drops. */
  fault: (request: string, count: number) => number | 'lose' | undefined;
  add(bytes: Uint8Array): { sha256: string; sizeBytes: number };
  enqueue(inputs: ClaimReply['inputs'], view?: Partial<ClaimReply['job']>): FakeJob;
  stop(): Promise<void>;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function startFakePlatform(): Promise<FakePlatform> {
  const app = new Hono();
  const uploads = new Map<string, { sha256: string; sizeBytes: number; parts: Map<number, Buffer> }>();
  const refuse = (c: Context, status: 400 | 401 | 404 | 409 | 422, message: string): Response =>
    c.json({ error: { code: 'conflict', message } }, status);
  let count = 0;

  app.use(async (c, next) => {
    const request = `${c.req.method} ${c.req.path}`;
    platform.requests.push(request);
    count += 1;
    const fault = platform.fault(request, count);
    if (typeof fault === 'number')
      return c.json({ error: { code: 'unavailable', message: 'Out of order.' } }, fault as 503);
    if (c.req.header('authorization') !== `Bearer ${platform.key}`)
      return refuse(c, 401, 'This key is not known.');
    await next();
    if (fault === 'lose') c.res = new Response(null, { headers: { 'x-lose': '1' } });
    return undefined;
  });

  const uploadView = (id: string): object => {
    const upload = uploads.get(id);
    const { sha256 = '', sizeBytes = 0, parts = new Map<number, Buffer>() } = upload ?? {};
    const sizes = { sizeBytes, partBytes: platform.partBytes };
    const received = [...parts.keys()].sort((a, b) => a - b);
    const expiresAt = '2099-01-01T00:00:00.000Z';
    return { state: 'open', id, sha256, ...sizes, parts: partCount(sizes), received, expiresAt };
  };
  app.post('/v1/uploads', async (c) => {
    const wanted = createUploadRequest.parse(await c.req.json());
    if (platform.blobs.has(wanted.sha256)) return c.json({ state: 'stored', ...wanted });
    const open = [...uploads].find(([, upload]) => upload.sha256 === wanted.sha256);
    const id = open?.[0] ?? randomBytes(16).toString('hex');
    if (!open) uploads.set(id, { ...wanted, parts: new Map() });
    return c.json(uploadView(id), open ? 200 : 201);
  });
  app.put('/v1/uploads/:id/parts/:n', async (c) => {
    const upload = uploads.get(c.req.param('id'));
    if (!upload) return refuse(c, 404, 'There is no such upload.');
    const n = Number(c.req.param('n'));
    const body = Buffer.from(await c.req.arrayBuffer());
    const expected = partSize({ ...upload, partBytes: platform.partBytes }, n);
    if (body.length !== expected)
      return refuse(c, 400, `Part ${n} has ${body.length} bytes, not ${expected}.`);
    upload.parts.set(n, body);
    return c.json({ part: n, sizeBytes: body.length, expiresAt: '2099-01-01T00:00:00.000Z' });
  });
  app.post('/v1/uploads/:id/commit', (c) => {
    const upload = uploads.get(c.req.param('id'));
    if (!upload) return refuse(c, 404, 'There is no such upload.');
    const bytes = Buffer.concat([...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part));
    const missing = partCount({ ...upload, partBytes: platform.partBytes }) - upload.parts.size;
    const stored = platform.bucket.get(upload.sha256);
    if (missing > 0 && stored) {
      platform.blobs.set(upload.sha256, stored);
      return c.json({ state: 'stored', sha256: upload.sha256, sizeBytes: upload.sizeBytes });
    }
    if (missing > 0) return refuse(c, 409, `${missing} parts are missing.`);
    if (sha256(bytes) !== upload.sha256) return refuse(c, 422, `Its digest is ${sha256(bytes)}.`);
    uploads.delete(c.req.param('id'));
    platform.blobs.set(upload.sha256, bytes);
    return c.json({ state: 'stored', sha256: upload.sha256, sizeBytes: upload.sizeBytes });
  });
  app.get('/v1/blobs/:sha256', (c) => {
    const bytes = platform.blobs.get(c.req.param('sha256'));
    if (!bytes) return refuse(c, 404, 'There is no such blob.');
    const [, from = '0'] = /^bytes=(\d+)-$/.exec(c.req.header('range') ?? '') ?? [];
    const rest = new Uint8Array(bytes.subarray(Number(from)));
    return c.body(rest, from === '0' ? 200 : 206, { 'content-length': String(rest.length) });
  });

  const reclaimable = (job: FakeJob): boolean =>
    job.state === 'queued' || (job.state === 'leased' && job.expiresAt <= Date.now());
  const lease = (job: FakeJob): string => {
    job.expiresAt = Date.now() + platform.leaseMs;
    return new Date(job.expiresAt).toISOString();
  };
  app.post('/v1/runner/claim', async (c) => {
    const { kinds } = claimRequest.parse(await c.req.json());
    const job = platform.jobs.find((one) => reclaimable(one) && kinds.includes(one.view.kind));
    if (!job) return c.body(null, 204);
    Object.assign(job, { state: 'leased', token: job.token + 1, claims: job.claims + 1 });
    const reply = {
      job: job.view,
      lease: { token: job.token, expiresAt: lease(job) },
      attempt: job.attempts + 1,
      checkpoint: job.checkpoint,
      inputs: job.inputs,
    };
    return c.json(claimReply.parse(reply));
  });
  /** The job, when the token is the one of its lease, even of one that ran out with nobody claiming the job since. */
  const held = (c: Context, token: number): FakeJob | Response => {
    const job = platform.jobs.find((one) => one.id === c.req.param('id'));
    if (!job) return refuse(c, 404, 'There is no such job.');
    if (job.state !== 'leased' || job.token !== token)
      return refuse(c, 409, `Token ${token} is stale: the job is ${job.state} with token ${job.token}.`);
    return job;
  };
  app.post('/v1/runner/jobs/:id/heartbeat', async (c) => {
    const { token, progress } = heartbeatRequest.parse(await c.req.json());
    const job = held(c, token);
    if (job instanceof Response) return job;
    if (progress) job.progress.push(progress);
    return c.json({ cancelRequested: job.cancelRequested, expiresAt: lease(job) });
  });
  app.put('/v1/runner/jobs/:id/checkpoint', async (c) => {
    const { token, ...checkpoint } = checkpointRequest.parse(await c.req.json());
    const job = held(c, token);
    if (job instanceof Response) return job;
    if (!platform.blobs.has(checkpoint.sha256)) return refuse(c, 422, 'The blob is not there.');
    job.checkpoint = checkpoint;
    job.checkpoints.push(checkpoint);
    return c.json({ cancelRequested: job.cancelRequested, expiresAt: lease(job) });
  });
  app.post('/v1/runner/jobs/:id/complete', async (c) => {
    const { token, result } = completeRequest.parse(await c.req.json());
    const done = platform.jobs.find((one) => one.id === c.req.param('id'));
    if (done?.state === 'succeeded' && done.token === token) return c.json(done.view);
    const job = held(c, token);
    if (job instanceof Response) return job;
    job.state = 'succeeded';
    job.results.push(result);
    return c.json(job.view);
  });
  app.post('/v1/runner/jobs/:id/fail', async (c) => {
    const { token, reason, retryable, handBack } = failRequest.parse(await c.req.json());
    const job = held(c, token);
    if (job instanceof Response) return job;
    job.reason = reason;
    if (handBack) job.handedBack.push(token);
    else job.attempts += 1;
    job.state = job.cancelRequested ? 'cancelled' : retryable ? 'queued' : 'failed';
    return c.json(job.view);
  });

  const server = await new Promise<ServerType>((resolve) => {
    const started = serve(
      {
        port: 0,
        hostname: '127.0.0.1',
        async fetch(request, env) {
          const response = await app.fetch(request);
          if (response.headers.has('x-lose')) {
            const { outgoing } = env as { outgoing?: { destroy(): void } };
            outgoing?.destroy();
          }
          return response;
        },
      },
      () => resolve(started),
    );
  });
  const platform: FakePlatform = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: 'tl_test_runner',
    blobs: new Map(),
    bucket: new Map(),
    jobs: [],
    requests: [],
    leaseMs: 60_000,
    partBytes: 8 * 2 ** 20,
    fault: () => undefined,
    add(bytes) {
      platform.blobs.set(sha256(bytes), Buffer.from(bytes));
      return { sha256: sha256(bytes), sizeBytes: bytes.length };
    },
    enqueue(inputs, view = {}) {
      const job = newJob(inputs, view);
      platform.jobs.push(job);
      return job;
    },
    async stop() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return platform;
}

function newJob(inputs: ClaimReply['inputs'], given: Partial<ClaimReply['job']>): FakeJob {
  const view = jobView(inputs, given);
  return {
    id: view.id,
    ...{ view, inputs, state: 'queued', token: 0, claims: 0, attempts: 0, expiresAt: 0 },
    ...{ cancelRequested: false, checkpoint: null, checkpoints: [], progress: [], results: [] },
    ...{ reason: null, handedBack: [] },
  };
}
