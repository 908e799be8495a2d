import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import type { TrunklineClient } from '../../../client/client.ts';
import { type DatasetDocument, type DatasetSource } from '../../../shared/dataset.ts';
import { name as nameSchema } from '../../../shared/manifest.ts';
import { referenceOf, type RegisteredVersion } from '../../../shared/registry.ts';
import type { LocalDataset } from '../../data/localDataset.ts';
import type { RemoteOptions } from '../config.ts';
import { UsageError, type CommandContext } from '../context.ts';
import { localData, readPreprocessing } from '../dataDescription.ts';
import { answer, collected, commaSeparated, connect, withRemote, type JsonOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { uploadFile, type UploadedFile } from '../upload.ts';

interface PushOptions extends RemoteOptions, JsonOption {
  readonly name?: string;
  readonly labels?: string[];
  readonly labelsFile?: string;
  readonly alias?: string;
  readonly tag?: string[];
  readonly card?: string;
  readonly preprocessing?: string;
}

interface PushModelOptions extends PushOptions {
  readonly task?: string;
}

/** Models and data sets into the registry. */
export function addPush(program: Command, context: CommandContext): void {
  const push = program
    .command('push')
    .description('register a model or a data set as the next version of a name');
  const common = (command: Command): Command =>
    withRemote(command)
      .option('--name <name>', "what it is registered as (default: the file's name)")
      .option('--labels <list>', 'names of the classes 0, 1, 2 ...', commaSeparated)
      .option('--labels-file <file>', 'the same, one a line')
      .option('--alias <alias>', 'to point at this version')
      .option('--tag <key=value>', 'of the item; may be repeated', collected)
      .option('--card <file>', 'Markdown that describes the item');
  common(push.command('model'))
    .description('an ONNX file, and the data files its weights lie in')
    .argument('<file>')
    .option('--task <task>', 'what the network answers')
    .option('--preprocessing <text>', 'how its input is made from raw data, in words')
    .action(async (file: string, options: PushModelOptions) => {
      const client = await connect(context, options);
      await finish(context, client, 'models', options, await pushModel(context, client, file, options));
    });
  common(push.command('dataset'))
    .description(
      'a folder of class folders, an archive of one, an .npz, IDX files (images,labels), or a JSON description',
    )
    .argument('<path>')
    .option('--preprocessing <file>', 'how images become inputs, as JSON')
    .action(async (path: string, options: PushOptions) => {
      const client = await connect(context, options);
      await finish(context, client, 'datasets', options, await pushDataset(context, client, path, options));
    });
}

async function pushModel(
  context: CommandContext,
  client: TrunklineClient,
  file: string,
  options: PushModelOptions,
): Promise<RegisteredVersion> {
  const name = nameFor(file, options);
  const labels = await readLabels(options);
  // Read before anything is sent: what cannot be read is no use there.
  const { readModelFiles } = await import('../modelFiles.ts');
  const { files } = readModelFiles(file);
  const progress = new Progress(context);
  const uploaded: UploadedFile[] = [];
  for (const one of files) uploaded.push(await uploadFile(client, one.file, one.path, progress, context));
  return client.models.register(name, {
    format: 'trunkline.model/1',
    ...(options.task !== undefined && { task: options.task }),
    files: uploaded.map(({ path, sha256, sizeBytes }) => ({ path, sha256, sizeBytes })),
    labels: labels ?? [],
    ...(options.preprocessing !== undefined && { preprocessing: options.preprocessing }),
  });
}

async function pushDataset(
  context: CommandContext,
  client: TrunklineClient,
  path: string,
  options: PushOptions,
): Promise<RegisteredVersion> {
  const name = nameFor(path, options);
  const labels = await readLabels(options);
  const preprocessing =
    options.preprocessing === undefined ? undefined : await readPreprocessing(options.preprocessing);
  const data = await localData(path, { labels, preprocessing });
  const progress = new Progress(context);
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-push-'));
  try {
    const uploaded = new Map<string, UploadedFile>();
    for (const file of data.document.files) {
      const packed = await packFolder(file.path, data, folder, progress);
      uploaded.set(file.path, await uploadFile(client, packed.file, packed.path, progress, context));
    }
    return await client.datasets.register(name, renamed(data.document, uploaded));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A folder of images travels as one archive. */
async function packFolder(
  path: string,
  { document, resolveFile }: LocalDataset,
  folder: string,
  progress: Progress,
): Promise<{ file: string; path: string }> {
  const described = document.files.find((one) => one.path === path);
  const file = described ? await resolveFile(described) : path;
  if (!(await stat(file)).isDirectory()) return { file, path };
  progress.update(`${path}: packing`);
  const archive = `${path}.tar`;
  const { packImages } = await import('../../data/packImages.ts');
  await packImages(file, join(folder, archive));
  return { file: join(folder, archive), path: archive };
}

/** The document with its files as they were uploaded. */
function renamed(document: DatasetDocument, uploaded: ReadonlyMap<string, UploadedFile>): DatasetDocument {
  const to = (path: string): string => uploaded.get(path)?.path ?? path;
  const source = (from: DatasetSource): DatasetSource => {
    switch (from.kind) {
      case 'npz':
        return { ...from, file: to(from.file) };
      case 'idx':
        return {
          ...from,
          images: to(from.images),
          ...(from.labels !== undefined && { labels: to(from.labels) }),
          ...(from.groups !== undefined && { groups: to(from.groups) }),
        };
      case 'images':
        return { ...from, archive: to(from.archive) };
      default:
        return from satisfies never;
    }
  };
  return {
    ...document,
    files: Array.from(uploaded.values(), ({ path, sha256, sizeBytes }) => ({ path, sha256, sizeBytes })),
    source: source(document.source),
    split: 'source' in document.split ? { source: source(document.split.source) } : document.split,
  };
}

async function finish(
  context: CommandContext,
  client: TrunklineClient,
  kind: 'models' | 'datasets',
  options: PushOptions,
  registered: RegisteredVersion,
): Promise<void> {
  const { name, version } = registered;
  const registry = client[kind];
  if (options.tag !== undefined) {
    const { tags } = await registry.get(name);
    await registry.setTags(name, { ...tags, ...Object.fromEntries(options.tag.map(tagOf)) });
  }
  if (options.card !== undefined) await registry.setCard(name, await readFile(options.card, 'utf8'));
  if (options.alias !== undefined) await registry.setAlias(name, options.alias, version);
  answer(context, options, registered, () => [
    `Registered ${referenceOf(registered)}${options.alias === undefined ? '' : `, which is ${name}@${options.alias} now`}`,
    `Next: trunkline show ${kind} ${referenceOf(registered)}`,
  ]);
}

function tagOf(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** @throws {UsageError} when no name is given and the file's is none */
function nameFor(path: string, { name }: PushOptions): string {
  const last = basename(path.split(',')[0] ?? path);
  const derived = last
    .slice(0, last.length - extname(last).length)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-');
  const chosen = name ?? derived;
  if (nameSchema.safeParse(chosen).success) return chosen;
  throw new UsageError(
    `"${chosen}" is no name for the registry: give one with --name (a-z, 0-9, ".", "_", "-")`,
  );
}

async function readLabels({ labels, labelsFile }: PushOptions): Promise<string[] | undefined> {
  if (labelsFile === undefined) return labels;
  if (labels !== undefined) throw new UsageError('Give --labels or --labels-file, not both');
  const lines = (await readFile(labelsFile, 'utf8')).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
