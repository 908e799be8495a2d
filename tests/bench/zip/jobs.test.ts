import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Jobs, type Job } from '../../../bench/zip/jobs.ts';
import { buildNet } from '../../../bench/zip/nets.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-'));
});
afterEach(() => rm(folder, { recursive: true }));

const job = (settings: object, version = 1): Job => ({ kind: 'count', version, label: 'a', settings });

test('a job is done once, also by another process, whatever the order of its settings', async () => {
  let computed = 0;
  const compute = async (): Promise<{ value: number }> => Promise.resolve({ value: (computed += 1) });
  await new Jobs(folder).run(job({ seed: 1, steps: 2 }), compute);
  const { result } = await new Jobs(folder).run(job({ steps: 2, seed: 1 }), compute);
  expect(result).toEqual({ value: 1 });
  expect(computed).toBe(1);
});

test('other settings and another version are other jobs', async () => {
  const jobs = new Jobs(folder);
  for (const [value, each] of [job({ seed: 1 }), job({ seed: 2 }), job({ seed: 1 }, 2)].entries())
    expect((await jobs.run(each, () => Promise.resolve({ value }))).result).toEqual({ value });
  expect(await readdir(folder)).toHaveLength(3);
});

test('a job that was stopped finds its checkpoint, and leaves none behind once it is done', async () => {
  const jobs = new Jobs(folder);
  let checkpoint = '';
  const stopped = jobs.run(job({}), async (files) => {
    checkpoint = files.checkpoint;
    await writeFile(checkpoint, 'half');
    throw new Error('killed');
  });
  await expect(stopped).rejects.toThrow('killed');
  const { result } = await jobs.run(job({}), async (files) => ({
    found: await readFile(files.checkpoint, 'utf8'),
  }));
  expect(result).toEqual({ found: 'half' });
  await expect(readFile(checkpoint)).rejects.toThrow('ENOENT');
});

test('what came with the repository is taken from there', async () => {
  const [own, committed] = [join(folder, 'own'), join(folder, 'committed')];
  await new Jobs(committed).run(job({}), () => Promise.resolve({ value: 1 }));
  const jobs = new Jobs(own, undefined, committed);
  expect((await jobs.run(job({}), () => Promise.resolve({ value: 2 }))).result).toEqual({ value: 1 });
  expect((await jobs.run(job({ seed: 2 }), () => Promise.resolve({ value: 3 }))).result).toEqual({
    value: 3,
  });
  expect(await readdir(own)).toHaveLength(1);
});

test('the network that a job kept comes back with its weights', async () => {
  const net = buildNet({ kind: 'lenet-300-100' }, 3, 5);
  const done = await new Jobs(folder).run(job({}), async (files) => {
    await files.saveGraph(net);
    return {};
  });
  const kept = await done.graph();
  expect(kept.initializers.get('classifier.weight')).toEqual(net.initializers.get('classifier.weight'));
});

test('what a job resulted in says when, where and how, whoever asks for it again', async () => {
  const by = (command: string) => ({ machine: 'm', node: 'v22', command, load: 0.5 });
  const compute = (): Promise<object> => Promise.resolve({ value: 1 });
  const first = await new Jobs(folder, undefined, undefined, by('first')).run(job({}), compute);
  expect(first.made).toMatchObject(by('first'));
  expect(first.made.date).toMatch(/^20\d\d-\d\d-\d\d$/);
  const again = await new Jobs(folder, undefined, undefined, by('again')).run(job({}), compute);
  expect(again.made).toEqual(first.made);
});

test('a result that was kept without where it is from has its date', async () => {
  await new Jobs(folder).run(job({}), () => Promise.resolve({ value: 1 }));
  const { made } = await new Jobs(folder).run(job({}), () => Promise.resolve({ value: 2 }));
  expect(Object.keys(made)).toEqual(['date']);
});
