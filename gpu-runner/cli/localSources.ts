import { InvalidArgumentError, type Command } from 'commander';
import { name as nameSchema, type Manifest } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import { MemoryBudgetError } from '../data/memoryBudget.ts';
import { firstOf } from '../mtz/channelsFirst.ts';
import { readsChannelsLast } from '../mtz/read/channelsLast.ts';
import type { Graph } from '../onnx/graph.ts';
import type { MergeSource } from '../runner/mergeOptions.ts';
import type { UnopenedSource } from '../runner/openSources.ts';
import { CommandError, UsageError } from './context.ts';
import { messageOf } from './explain.ts';
import { hashFile } from './fileSource.ts';
import { readModelFiles } from './modelFiles.ts';
import { readPreprocessing, localData, type DataDefaults } from './dataDescription.ts';
import { wholeNumber } from './options.ts';

/** `task=file`, in the order given. */
export type ByTask = ReadonlyMap<string, string>;

export interface SourceOptions {
  readonly net: ByTask;
  readonly data?: ByTask;
  readonly preprocessing?: string;
  /** GiB that the data of one task may take. */
  readonly dataMemory?: number;
}

export const withNets = (command: Command): Command =>
  command.requiredOption('--net <task=file.onnx>', 'a trained network; one a task', byTask);

/** @param how whether a command can do without data */
export const dataOption = (command: Command, how: 'option' | 'requiredOption'): Command =>
  command[how](
    '--data <task=path>',
    "its task's data: a folder of class folders, an archive of one, an .npz, IDX files (images,labels), or a JSON description; without labels for distillation",
    byTask,
  )
    .option('--preprocessing <file>', 'how images become inputs, as JSON (default: pixels / 255)')
    .option(
      '--data-memory <GiB>',
      'that the data of one task may take in memory (default: 2)',
      wholeNumber(1, 4096),
    );

function byTask(text: string, before: ByTask | undefined): ByTask {
  const at = text.indexOf('=');
  const task = text.slice(0, Math.max(0, at));
  if (!nameSchema.safeParse(task).success || at === text.length - 1)
    throw new InvalidArgumentError('It should be task=file, e.g. digit=digit.onnx.');
  if (before?.has(task)) throw new InvalidArgumentError(`Task "${task}" is named twice.`);
  return new Map([...(before ?? []), [task, text.slice(at + 1)]]);
}

/** The networks that --net names. @throws {Error} naming the file */
export const readNets = (nets: ByTask): { readonly task: string; readonly graph: Graph }[] =>
  Array.from(nets, ([task, file]) => ({ task, graph: readModelFiles(file).graph }));

export interface LocalSources {
  readonly sources: readonly MergeSource[];
  readonly preprocessing: Manifest['preprocessing'];
  /** How inputs are made and what was left out of the data, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Networks and their data from this machine, ready to be merged: all data are read with one preprocessing.
 *
 * @throws {UsageError} when a network has no data or data no network; {Error} naming what cannot be read, {CommandError}
 * where it would take more memory than is allowed
 */
export async function readSources(
  { net, data = new Map<string, string>(), preprocessing: file, dataMemory }: SourceOptions,
  recipe: Pick<Recipe, 'inputChannels'>,
  onReading: (what: string) => void,
): Promise<LocalSources> {
  for (const task of net.keys())
    if (!data.has(task)) throw new UsageError(`Network "${task}" has no data: add --data ${task}=<path>`);
  for (const task of data.keys())
    if (!net.has(task)) throw new UsageError(`Data "${task}" has no network: add --net ${task}=<file.onnx>`);
  const declared = file === undefined ? undefined : await readPreprocessing(file);
  const { openSources } = await import('../runner/openSources.ts');
  const unopened: UnopenedSource[] = [];
  for (const [task, path] of net) {
    onReading(path);
    const { graph, files } = readModelFiles(path);
    const hashed = await Promise.all(files.map((one) => hashFile(one.file)));
    const local = await localData(data.get(task) ?? '', { ...readBy(graph), preprocessing: declared });
    unopened.push({
      ...{ task, graph, ...local },
      ...(dataMemory !== undefined && { maxBytes: dataMemory * 2 ** 30 }),
      model: {
        name: task,
        sha256: hashed[0]?.sha256 ?? '',
        sizeBytes: hashed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      },
    });
  }
  const opened = await openSources(unopened, recipe, (task) => onReading(data.get(task) ?? '')).catch(
    withMoreMemory,
  );
  return { ...opened, preprocessing: opened.preprocessing ?? 'none' };
}

/** Says what helps where data take more memory than they may. */
function withMoreMemory(error: unknown): never {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof MemoryBudgetError)
      throw new CommandError(
        messageOf(error),
        'the same command with a larger --data-memory <GiB>, where the machine has it',
        { cause: error },
      );
  throw error;
}

/** What a network's input and answer say of its data. */
function readBy(graph: Graph): Pick<DataDefaults, 'sampleDims' | 'classes'> {
  const { inputs, outputs } = graph;
  const dims = inputs[0]?.dims.slice(1).map((dim) => (typeof dim === 'number' ? dim : -1));
  const classes = outputs[0]?.dims.at(-1);
  // Zipped, it takes its channels first.
  const sampleDims = dims && readsChannelsLast(graph) ? firstOf(dims) : dims;
  return { sampleDims, ...(typeof classes === 'number' && { classes }) };
}
