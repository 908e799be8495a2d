import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { TrunklineClient } from '../../../client/client.ts';
import { ApiError } from '../../../client/http.ts';
import type { EndpointDetail, EndpointView } from '../../../shared/api.ts';
import { sha256 as sha256Schema, manifest as manifestSchema } from '../../../shared/manifest.ts';
import { bundleDocument } from '../../../shared/registry.ts';
import type { RemoteOptions } from '../config.ts';
import { CommandError, UsageError, type CommandContext } from '../context.ts';
import { answer, commaSeparated, connect, wholeNumber, withRemote, type JsonOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { reference } from '../references.ts';
import { uploadFile } from '../upload.ts';

interface PublishOptions extends RemoteOptions, JsonOption {
  readonly endpoint?: string;
  readonly tasks?: string[];
}

/** What an endpoint serves, and what it served before. */
export function addEndpoints(program: Command, context: CommandContext): void {
  withRemote(program.command('publish'))
    .description('upload a bundle folder, or take a registered bundle, and let an endpoint serve it')
    .argument('<bundle>', 'a folder, name, name@3 or name@alias')
    .option('--endpoint <name>', 'that answers from it from now on')
    .option(
      '--tasks <list>',
      'that the endpoint answers from it (default: all of the bundle)',
      commaSeparated,
    )
    .action(async (bundle: string, options: PublishOptions) => {
      const client = await connect(context, options);
      const found = existsSync(join(bundle, 'manifest.json'))
        ? await publishFolder(context, client, bundle)
        : await findBundle(client, bundle);
      if (options.endpoint === undefined) {
        answer(context, options, found, () => [
          `Published bundle ${found.bundle} with ${found.tasks.join(', ')}`,
          `Next: trunkline publish ${bundle} --endpoint <name>`,
        ]);
        return;
      }
      const endpoint = await route(client, options.endpoint, found, options.tasks);
      answer(context, options, endpoint, endpointSentence);
    });
  withRemote(program.command('rollback'))
    .description('let an endpoint serve again what it served before')
    .argument('<endpoint>')
    .option('--to <revision>', 'which (default: the one before)', wholeNumber(1, 1e9))
    .action(async (name: string, options: RemoteOptions & JsonOption & { to?: number }) => {
      const client = await connect(context, options);
      const detail = await client.endpoints.get(name);
      const { revision, tasks } = earlier(detail, options.to);
      const endpoint = await client.endpoints.set(name, tasks, detail.revision);
      answer(context, options, endpoint, (now) => [
        `${name} serves what its revision ${revision} did.`,
        ...endpointSentence(now),
      ]);
    });
}

interface FoundBundle {
  readonly bundle: string;
  readonly tasks: readonly string[];
}

async function publishFolder(
  context: CommandContext,
  client: TrunklineClient,
  folder: string,
): Promise<FoundBundle> {
  // Checks every file of it.
  const { readBundle } = await import('../../bundle/readBundle.ts');
  const { id, manifest, manifestBytes } = await readBundle(folder);
  const progress = new Progress(context);
  for (const { path } of manifest.files)
    await uploadFile(client, join(folder, path), path, progress, context);
  await client.publishManifest(manifestBytes);
  return { bundle: id, tasks: manifest.heads.map(({ task }) => task) };
}

async function findBundle(client: TrunklineClient, text: string): Promise<FoundBundle> {
  const bundle = sha256Schema.safeParse(text).success ? text : await registered(client, text);
  const manifest = manifestSchema.parse(JSON.parse(new TextDecoder().decode(await client.manifest(bundle))));
  return { bundle, tasks: manifest.heads.map(({ task }) => task) };
}

async function registered(client: TrunklineClient, text: string): Promise<string> {
  const { name, ref } = reference(text);
  return bundleDocument.parse((await client.bundles.version(name, ref)).document).bundle;
}

/** The endpoint's other tasks stay as they are. */
async function route(
  client: TrunklineClient,
  name: string,
  { bundle, tasks }: FoundBundle,
  wanted: readonly string[] = tasks,
): Promise<EndpointView> {
  const unknown = wanted.filter((task) => !tasks.includes(task));
  if (unknown.length > 0)
    throw new UsageError(`Cannot publish ${unknown.join(', ')}: the bundle answers ${tasks.join(', ')}`);
  const known = await client.endpoints.get(name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
  const changed = Object.fromEntries(wanted.map((task) => [task, bundle]));
  return client.endpoints.set(name, { ...known?.tasks, ...changed }, known?.revision ?? 0);
}

/** @throws {CommandError} when there is nothing to go back to */
function earlier(
  { name, revision, history }: EndpointDetail,
  to: number | undefined,
): EndpointDetail['history'][number] {
  const found = history.find((one) => (to === undefined ? one.revision < revision : one.revision === to));
  if (found) return found;
  throw new CommandError(
    to === undefined
      ? `Cannot roll back ${name}: revision ${revision} is its first`
      : `Cannot roll back ${name}: its history has no revision ${to}`,
    `trunkline show endpoints ${name}`,
  );
}

const endpointSentence = ({ name, revision, tasks }: EndpointView): string[] => [
  `${name}, revision ${revision}: ${Object.entries(tasks)
    .map(([task, bundle]) => `${task} from bundle ${bundle.slice(0, 12)}`)
    .join(', ')}`,
];
