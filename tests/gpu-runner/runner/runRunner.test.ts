import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runRunner, type RunnerOptions } from '../../../gpu-runner/runner/runRunner.ts';
import type { JobResult } from '../../../gpu-runner/runner/runnerClient.ts';
import { JobError } from '../../../gpu-runner/runner/work/job.ts';
import type { RunJobOptions } from '../../../gpu-runner/runner/work/runInProcess.ts';
import type { ClaimReply } from '../../../shared/jobs.ts';
import { startFakePlatform, type FakeJob, type FakePlatform } from './fakePlatform.ts';

let platform: FakePlatform;
let folder: string;
let lines: string[];

beforeEach(async () => {
  platform = await startFakePlatform();
  folder = await mkdtemp(join(tmpdir(), 'trunkline-runner-'));
  lines = [];
});
afterEach(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

const inspection = {
  ...({ format: 'trunkline.inspection/1', kind: 'dataset', samples: 3 } as const),
  ...{ sampleDims: [1], classes: 1, labelCounts: [3], badFiles: [], problems: [] },
};
const result: JobResult = { inspection };

const enqueue = (name = 'photos'): FakeJob => {
  const file = { path: 'x.npz', ...platform.add(Buffer.from(name)) };
  const digest = createHash('sha256').update(name).digest('hex');
  return platform.enqueue({
    kind: 'inspect',
    of: 'datasets',
    version: { name, version: 1, digest, document: { format: 'trunkline.dataset/1', files: [file] } },
  });
};

type Perform = (claim: ClaimReply, options: RunJobOptions) => Promise<JobResult>;

const run = (perform: Perform, options: Partial<RunnerOptions> = {}): Promise<void> =>
  runRunner({
    name: 'tester',
    version: '0.0.0',
    provider: 'cpu',
    control: { url: platform.url, key: platform.key },
    folder,
    cacheBytes: 1e6,
    retryDelayMs: 1,
    pollMs: 5,
    progressMs: 5,
    untilIdle: true,
    log: (line) => lines.push(line),
    perform,
    ...options,
  });

/** Resolves when the job is told to stop. */
const untilAborted = async ({ signal }: RunJobOptions): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

describe('runRunner()', () => {
  it('does every job once and says so, each in an empty folder of its own that is gone afterwards', async () => {
    const jobs = [enqueue('a'), enqueue('b')];
    const folders = new Set<string>();
    await run(async (_, options) => {
      expect(await readdir(options.folder)).toEqual([]);
      folders.add(options.folder);
      return result;
    });
    expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
    expect(jobs.map(({ results }) => results)).toEqual([[result], [result]]);
    expect(folders.size).toBe(2);
    expect(await readdir(join(folder, 'jobs'))).toEqual([]);
  });

  it('tells progress by heartbeats while the job goes on, the newest of each stage', async () => {
    const job = enqueue();
    const at = '2026-01-02T03:04:05.000Z';
    await run(async (_, { onProgress }) => {
      onProgress({ stage: 'download', at });
      for (let step = 1; step <= 3; step += 1)
        onProgress({ stage: 'retrain', layer: 'fc1', step, steps: 3, at });
      while (job.progress.length < 2) await setTimeout(2);
      return result;
    });
    expect(job.progress).toEqual([
      { stage: 'download', at },
      { stage: 'retrain', layer: 'fc1', step: 3, steps: 3, at },
    ]);
  });

  it('keeps the lease of a job that takes many times as long', async () => {
    platform.leaseMs = 60;
    const job = enqueue();
    await run(async () => {
      await setTimeout(300);
      return result;
    });
    expect(job.claims).toBe(1);
    expect(job.state).toBe('succeeded');
    expect(platform.requests.filter((one) => one.endsWith('/heartbeat')).length).toBeGreaterThan(3);
  });

  it('drops a job whose lease went to somebody else, and completes nothing', async () => {
    platform.leaseMs = 60;
    const job = enqueue();
    await run(async (claim, options) => {
      if (claim.lease.token > 1) return result;
      job.token += 1;
      job.state = 'leased';
      job.expiresAt = Date.now();
      return untilAborted(options);
    });
    expect(job.results).toHaveLength(1);
    expect(job.reason).toBeNull();
    expect(lines.join('\n')).toMatch(/dropped: .*Token 1 is stale/);
  });

  it('is refused by the token when it completes too late', async () => {
    const job = enqueue();
    await run(async (claim) => {
      if (claim.lease.token > 1) return result;
      // Before any heartbeat: somebody else claimed and did it.
      job.token += 1;
      job.state = 'succeeded';
      return Promise.resolve(result);
    });
    expect(job.results).toHaveLength(0);
    expect(lines.join('\n')).toMatch(/dropped: .*Token 1 is stale/);
  });

  it('stops a job that is cancelled and says so', async () => {
    platform.leaseMs = 60;
    const job = enqueue();
    await run((_, options) => {
      job.cancelRequested = true;
      return untilAborted(options);
    });
    expect(job.state).toBe('cancelled');
  });

  it('says why a job failed, and whether another attempt may do better', async () => {
    const [wrong, unlucky] = [enqueue('wrong'), enqueue('unlucky')];
    await run(async (claim) => {
      if (claim.job.id === wrong.id) throw new JobError('Cannot zip conv3: too wide', { retryable: false });
      if (claim.attempt === 1) throw new Error('disk full');
      return Promise.resolve(result);
    });
    expect([wrong.state, wrong.reason, wrong.claims]).toEqual(['failed', 'Cannot zip conv3: too wide', 1]);
    expect([unlucky.state, unlucky.reason, unlucky.claims]).toEqual(['succeeded', 'disk full', 2]);
  });

  it('makes a dead letter of a result that the service refuses', async () => {
    const job = enqueue();
    platform.fault = (request) => (request.endsWith('/complete') ? 422 : undefined);
    await run(() => Promise.resolve(result));
    expect(job.state).toBe('failed');
    expect(job.reason).toMatch(/complete answered 422: Out of order\.$/);
  });

  it('hands the job at hand back when it is told to end, and claims no other', async () => {
    const [first, second] = [enqueue('first'), enqueue('second')];
    const stop = new AbortController();
    await run(
      (_, options) => {
        stop.abort(new Error('SIGTERM'));
        return untilAborted(options);
      },
      { signal: stop.signal },
    );
    expect([first.state, first.handedBack, first.attempts]).toEqual(['queued', [1], 0]);
    expect(first.reason).toBe('The runner is shutting down');
    expect(second.claims).toBe(0);
  });

  it('completes a job that is done just when it is told to end', async () => {
    const job = enqueue();
    const stop = new AbortController();
    await run(
      () => {
        stop.abort(new Error('SIGTERM'));
        return Promise.resolve(result);
      },
      { signal: stop.signal },
    );
    expect(job.state).toBe('succeeded');
  });

  it('works on while the service is away, and completes when it is back', async () => {
    platform.leaseMs = 90;
    const job = enqueue();
    let away = false;
    platform.fault = () => (away ? 503 : undefined);
    await run(async () => {
      away = true;
      await setTimeout(200);
      away = false;
      return result;
    });
    expect(job.results).toEqual([result]);
    expect(lines.join('\n')).toMatch(/no heartbeat: .*answered 503/);
  });

  it('completes once though every answer is lost the first time', async () => {
    const jobs = [enqueue('a'), enqueue('b'), enqueue('c')];
    const seen = new Set<string>();
    platform.fault = (request) => {
      if (seen.has(request) || request.endsWith('/claim')) return undefined;
      seen.add(request);
      return 'lose';
    };
    await run(() => Promise.resolve(result));
    expect(jobs.map(({ results }) => results.length)).toEqual([1, 1, 1]);
  });

  it('asks again after trouble, and waits for jobs when it is not told to end', async () => {
    const stop = new AbortController();
    let troubles = 0;
    platform.fault = (request) => (request.endsWith('/claim') && (troubles += 1) <= 5 ? 503 : undefined);
    const running = run(
      () => {
        stop.abort(new Error('enough'));
        return Promise.resolve(result);
      },
      { untilIdle: false, signal: stop.signal },
    );
    while (troubles < 7) await setTimeout(2);
    const job = enqueue();
    await running;
    expect(job.state).toBe('succeeded');
    expect(lines.join('\n')).toMatch(/Cannot claim a job: .*answered 503/);
  });

  it('ends at once with the reason when its key is refused', async () => {
    await expect(
      run(() => Promise.resolve(result), { control: { url: platform.url, key: 'wrong' } }),
    ).rejects.toThrow('POST /v1/runner/claim answered 401: This key is not known.');
  });

  it('tells whoever does the job what it may take', async () => {
    enqueue();
    let told: unknown;
    const perform: Perform = (_, { settings }) => {
      told = settings;
      return Promise.resolve(result);
    };
    await run(perform, { gramBytes: 5 * 2 ** 30, dataBytes: 3 * 2 ** 30 });
    expect(told).toMatchObject({ provider: 'cpu', cacheBytes: 1e6 });
    expect(told).toMatchObject({ gramBytes: 5 * 2 ** 30, dataBytes: 3 * 2 ** 30 });
  });

  it('shares jobs with other runners, each done once', async () => {
    const jobs = Array.from({ length: 20 }, (_, index) => enqueue(`set-${index}`));
    const done: string[] = [];
    const perform: Perform = async (claim) => {
      await setTimeout(2);
      done.push(claim.job.id);
      return result;
    };
    await Promise.all([run(perform), run(perform), run(perform)]);
    expect(done.sort()).toEqual(jobs.map(({ id }) => id).sort());
  });

  it('tells its health: ready once the service answered, not while it ends, metrics by outcome', async () => {
    enqueue();
    const stop = new AbortController();
    const seen: unknown[] = [];
    let url = '';
    const ask = async (path: string): Promise<[number, string]> => {
      const reply = await fetch(`${url}${path}`);
      return [reply.status, await reply.text()];
    };
    await run(
      async (_, options) => {
        seen.push(await ask('/health/live'), await ask('/health/ready'));
        stop.abort(new Error('SIGTERM'));
        seen.push(await ask('/health/ready'));
        const [, metrics] = await ask('/metrics');
        expect(metrics).toContain('trunkline_runner_busy 1');
        expect(metrics).toContain('trunkline_runner_info{name="tester",version="0.0.0",provider="cpu"} 1');
        return untilAborted(options);
      },
      {
        signal: stop.signal,
        health: { host: '127.0.0.1', port: 0 },
        onListening: (at) => (url = at),
      },
    );
    expect(seen).toEqual([
      [200, '{"live":true}'],
      [200, '{"ready":true}'],
      [503, '{"ready":false,"reason":"it is shutting down"}'],
    ]);
  });
});
