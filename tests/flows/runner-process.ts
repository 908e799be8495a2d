import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TrunklineClient } from '../../client/client.ts';
import type { MergeJob } from '../../client/jobs.ts';
import { bytesContent } from '../../gpu-runner/runner/storage/content.ts';
import type { DatasetDocument } from '../../shared/dataset.ts';
import type { MergeRequestInput } from '../../shared/jobs.ts';
import { manifest as manifestSchema, type Manifest } from '../../shared/manifest.ts';
import type { ModelDocument } from '../../shared/registry.ts';
import { memoryStore } from '../gpu-runner/runner/storage/memoryStore.ts';
import { tinyMerge, tinyRecipe } from '../gpu-runner/runner/work/tinyTask.ts';

// What flows with runners have in common: two tiny networks with data, and the command line's runner as a process.

const cli = fileURLToPath(new URL('../../gpu-runner/cli.ts', import.meta.url));

export interface Runner {
  readonly process: ChildProcess;
  /** What it said so far. */
  readonly lines: string[];
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** `trunkline runner`, as its own process with its cache in `folder`. */
export function startRunner(
  {
    url,
    key,
    name,
    folder,
  }: { readonly url: string; readonly key: string; readonly name: string; readonly folder: string },
  args: readonly string[] = [],
): Runner {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'runner', ...args], {
    env: {
      ...process.env,
      TRUNKLINE_URL: url,
      TRUNKLINE_KEY: key,
      TRUNKLINE_RUNNER_NAME: name,
      TRUNKLINE_RUNNER_FOLDER: folder,
      TRUNKLINE_RUNNER_HEALTH: '127.0.0.1:0',
      XDG_CONFIG_HOME: join(folder, 'config'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
  return { process: child, lines, ended: once(child, 'close').then(([code]) => code as number | null) };
}

/** Uploads and registers what {@link tinyRequest} merges. */
export async function registerTinyMerge(client: TrunklineClient): Promise<void> {
  const store = memoryStore();
  const { sources } = tinyMerge(store.add);
  for (const bytes of store.blobs.values()) {
    const content = bytesContent(bytes);
    await client.uploads.send({
      ...content,
      read: (offset, length) => content.read(offset, offset + length),
    });
  }
  for (const { model, data } of sources) {
    await client.models.register(model.name, model.document as unknown as ModelDocument);
    await client.datasets.register(data.name, data.document as unknown as DatasetDocument);
  }
}

/** A merge published to an endpoint of its name. */
export const tinyRequest = (name: string, stepsPerLayer: number): MergeRequestInput => ({
  name,
  sources: ['left', 'right'].map((task) => ({ task, model: `${task}-net@1`, data: `${task}-data` })),
  recipe: { ...tinyRecipe, retraining: { ...tinyRecipe.retraining, stepsPerLayer } },
  endpoint: { name },
  publish: true,
});

export const mergeJobOf = async (client: TrunklineClient, id: string): Promise<MergeJob> =>
  (await client.jobs.get(id)) as MergeJob;

export async function manifestOf(client: TrunklineClient, { result }: MergeJob): Promise<Manifest> {
  const bytes = await client.manifest(result?.bundle ?? '');
  return manifestSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(50);
}
