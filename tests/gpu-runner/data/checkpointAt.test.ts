import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointAt } from '../../../gpu-runner/data/checkpointAt.ts';
import { train } from '../../../gpu-runner/engine/train.ts';
import { checkpointedRun } from './checkpointedRun.ts';

let folder = '';
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'trunkline-checkpoint-'))));
afterEach(() => rm(folder, { recursive: true }));

/** Runs in another process that is killed as soon as it has done this many steps, in the middle of whatever it does. */
async function runAndKill(path: string, steps: number): Promise<void> {
  const child = fork(join(import.meta.dirname, 'checkpointedRun.ts'), [path], { stdio: 'inherit' });
  await new Promise<void>((resolve, reject) => {
    let seen = 0;
    child.on('message', () => {
      seen += 1;
      if (seen === steps) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve();
      else reject(new Error(`The process ended by itself with ${String(code)}`));
    });
  });
}

describe('checkpointAt()', () => {
  it('goes on after the process was killed, to the bits of a run that never was', async () => {
    const path = join(folder, 'state');
    for (const steps of [7, 12]) await runAndKill(path, steps);
    const options = checkpointedRun();
    const checkpoint = await checkpointAt(path, options, 2);
    expect(checkpoint.from?.step).toBeGreaterThanOrEqual(16);
    const resumed = await train({ ...options, checkpoint });
    const whole = await train(options);
    expect(resumed.losses).toEqual(whole.losses.slice(-resumed.losses.length));
    expect([...resumed.graph.initializers]).toEqual([...whole.graph.initializers]);
    // Done is done: once more, and there is nothing left to do.
    const again = await train({ ...options, checkpoint: await checkpointAt(path, options, 2) });
    expect(again.losses).toEqual([]);
    expect([...again.graph.initializers]).toEqual([...whole.graph.initializers]);
  });

  it('begins anew where there is no file, and refuses the file of another run, which it leaves alone', async () => {
    const path = join(folder, 'state');
    const options = checkpointedRun();
    const checkpoint = await checkpointAt(path, options, 20);
    expect(checkpoint.from).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    await train({ ...options, steps: 40, checkpoint });
    const before = await readFile(path);
    await expect(checkpointAt(path, { ...options, seed: 99 }, 20)).rejects.toThrow(
      'Cannot resume training: the checkpoint belongs to another run (seed was 1, is 99)',
    );
    expect(await readFile(path)).toEqual(before);
    await writeFile(path, before.subarray(0, 100));
    await expect(checkpointAt(path, options, 20)).rejects.toThrow('it is cut off or damaged');
  });

  it('refuses what it cannot read', async () => {
    await expect(checkpointAt(folder, checkpointedRun(), 1)).rejects.toThrow('EISDIR');
  });
});
