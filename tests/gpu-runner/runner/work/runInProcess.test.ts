import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobResult } from '../../../../gpu-runner/runner/runnerClient.ts';
import { HandBackError } from '../../../../gpu-runner/runner/work/job.ts';
import { runInProcess, type RunJobOptions } from '../../../../gpu-runner/runner/work/runInProcess.ts';
import type { ClaimReply, Progress } from '../../../../shared/jobs.ts';
import { startFakePlatform } from '../fakePlatform.ts';
import { claimOf } from '../jobs.ts';
import { dataVersion } from './tinyTask.ts';

const program = new URL('./testProgram.ts', import.meta.url);
let folder: string;
let progress: Progress[];
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-process-'));
  progress = [];
  lines = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const claimOfName = (name: string): ClaimReply => {
  const version = dataVersion(() => ({ sha256: '0'.repeat(64), sizeBytes: 1 }), name, 1, 3);
  return claimOf({ kind: 'inspect', of: 'datasets', version });
};

const optionsOf = (given: Partial<RunJobOptions> = {}, url = 'http://127.0.0.1:9'): RunJobOptions => ({
  settings: {
    ...{ control: { url, key: 'tl_test_runner' }, folder, cacheBytes: 1000 },
    ...{ provider: 'cpu', retryDelayMs: 1 },
  },
  ...{ folder, program, signal: new AbortController().signal },
  onProgress: (one) => progress.push(one),
  log: (line) => lines.push(line),
  ...given,
});

const run = (name: string, given?: Partial<RunJobOptions>, url?: string): Promise<JobResult> =>
  runInProcess(claimOfName(name), optionsOf(given, url));

/** The id of the process that the job ran in. */
const pid = (): number => Number(/process (\d+)/.exec(progress[0]?.message ?? '')?.[1]);

function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

describe('runInProcess()', () => {
  it('does the job in another process and brings back progress, lines and the result', async () => {
    const used: number[] = [];
    const result = await run('good', { onCache: (_, usedBytes) => used.push(usedBytes) });
    expect(result).toMatchObject({ inspection: { samples: 1 } });
    expect(progress).toMatchObject([{ stage: 'inspect' }]);
    expect(pid()).not.toBe(process.pid);
    expect(lines).toEqual(['all is well']);
    expect(used).toEqual([0]);
    expect(isAlive(pid())).toBe(false);
  });

  it('brings back what went wrong, and whether to try again', async () => {
    await expect(run('wrong')).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot zip conv3: too wide$/) as string,
      retryable: false,
    });
    await expect(run('unlucky')).rejects.toMatchObject({ retryable: true });
  });

  it('takes a crash for worth another try, with the last words', async () => {
    await expect(run('crash')).rejects.toMatchObject({
      message: expect.stringMatching(
        /^The job's process was ended by SIGKILL; it said: free\(\): invalid pointer$/,
      ) as string,
      retryable: true,
    });
  });

  it('stops a job that is told to stop, and kills one that does not listen', async () => {
    for (const name of ['obedient', 'stubborn']) {
      progress = [];
      const stop = new AbortController();
      const graceMs = name === 'stubborn' ? 50 : 60_000;
      const running = run(name, {
        graceMs,
        signal: stop.signal,
        onProgress(one) {
          progress.push(one);
          stop.abort(new Error('cancelled'));
        },
      });
      await expect(running).rejects.toThrow('cancelled');
      expect(isAlive(pid())).toBe(false);
    }
  });

  it('tells a job whether somebody else will go on with it', async () => {
    for (const reason of [new HandBackError('shutting down'), new Error('cancelled')]) {
      const stop = new AbortController();
      const running = run('obedient', { signal: stop.signal, onProgress: () => stop.abort(reason) });
      await expect(running).rejects.toBe(reason);
    }
    expect(lines).toEqual(['stopped by HandBackError', 'stopped by Error']);
  });

  it('says at once that the lease is lost when the service says so', async () => {
    const platform = await startFakePlatform();
    try {
      await expect(run('stale', {}, platform.url)).rejects.toMatchObject({
        message: expect.stringMatching(/checkpoint answered 404: There is no such job\.$/) as string,
        retryable: false,
      });
    } finally {
      await platform.stop();
    }
  });

  it('ends with the process that started it, even a killed one', async () => {
    const script = `
      const { runInProcess } = await import(${JSON.stringify(new URL('../../../../gpu-runner/runner/work/runInProcess.ts', import.meta.url).href)});
      await runInProcess(${JSON.stringify(claimOfName('stubborn'))}, {
        ...${JSON.stringify({ settings: optionsOf().settings, folder })},
        program: new URL(${JSON.stringify(program.href)}),
        signal: new AbortController().signal,
        onProgress: ({ message }) => console.log(message),
      });
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = Number(/process (\d+)/.exec(text.toString())?.[1]);
    expect(isAlive(child)).toBe(true);
    parent.kill('SIGKILL');
    while (isAlive(child)) await setTimeout(10);
    expect(isAlive(child)).toBe(false);
  });
});
