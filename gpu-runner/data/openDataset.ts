import type { DatasetDocument, DatasetSource } from '../../shared/dataset.ts';
import type { BundleFile } from '../../shared/manifest.ts';
import { subset, type Dataset } from '../engine/dataset.ts';
import { readIdxSamples } from './idxSamples.ts';
import { readImageSamples } from './imageSamples.ts';
import { defaultMaxBytes, MemoryBudget } from './memoryBudget.ts';
import { readNpzSamples } from './npz.ts';
import { samplesDataset, type Problem, type Samples } from './samples.ts';
import { splitDataset } from './split.ts';

/** Where a file of the document lies on disk; for images a folder may stand for the archive. */
export type ResolveFile = (file: BundleFile) => Promise<string>;

export interface OpenOptions {
  /** The most memory that the samples may take, in bytes; 2 GiB. Checked before anything is allocated. */
  readonly maxBytes?: number;
}

export interface OpenedDataset {
  readonly train: Dataset;
  /** Held out by the document's split; null when it holds nothing out. */
  readonly validation: Dataset | null;
  readonly labels: readonly string[];
  /** What was left out, and why: never more than the document's `allowBad` of the samples. */
  readonly problems: readonly Problem[];
  /** Whether the source's pixels were bytes; else they were numbers of any unit. */
  readonly bytes: boolean;
}

/**
 * Reads a data set into memory: images as bytes, scaled when they are asked for.
 *
 * @throws {Error} "Cannot read x of train.npz: dtype is complex64; ...": what cannot be read, and why
 */
export async function openDataset(
  document: DatasetDocument,
  resolveFile: ResolveFile,
  options: OpenOptions = {},
): Promise<OpenedDataset> {
  const { labels, preprocessing } = document;
  const { main, held } = await readDocument(document, resolveFile, options);
  const { train, validation } = splitSamples(document, main);
  const all = samplesDataset(main, labels.length, preprocessing);
  const problems = [...main.problems, ...(held?.problems ?? [])];
  const told = { labels, problems, bytes: main.values instanceof Uint8Array };
  if (held) return { train: all, validation: samplesDataset(held, labels.length, preprocessing), ...told };
  if (validation.length === 0) return { train: all, validation: null, ...told };
  return { train: subset(all, train), validation: subset(all, validation), ...told };
}

/** The samples of a document's source, and of the source of its validation if it names one. @throws as `openDataset` */
export async function readDocument(
  document: DatasetDocument,
  resolveFile: ResolveFile,
  { maxBytes = defaultMaxBytes }: OpenOptions,
): Promise<{ main: Samples; held: Samples | null }> {
  const { files, labels, preprocessing, allowBad, source, split } = document;
  const budget = new MemoryBudget(maxBytes);
  const options = { preprocessing, labels, classes: labels.length, allowBad, budget };
  const pathOf = async (path: string): Promise<string> => {
    const file = files.find((one) => one.path === path);
    if (!file) throw new Error(`Cannot read ${path}: it is not among the data set's files`);
    return resolveFile(file);
  };
  const read = async (from: DatasetSource): Promise<Samples> => {
    switch (from.kind) {
      case 'npz':
        return readNpzSamples(await pathOf(from.file), from, options);
      case 'idx':
        return readIdxSamples(pathOf, from, options);
      case 'images':
        return readImageSamples(await pathOf(from.archive), from, options);
      default:
        return from satisfies never;
    }
  };
  const main = await read(source);
  const held = 'source' in split ? await read(split.source) : null;
  if (main.labels.length === 0) throw new Error('Cannot read the data set: it has no samples');
  if (held && held.dims.join() !== main.dims.join())
    throw new Error(
      `Cannot read the data set: samples are [${main.dims.join()}], those of its validation [${held.dims.join()}]`,
    );
  return { main, held };
}

/** Which samples of the document's source are held out. */
export function splitSamples(
  { split }: DatasetDocument,
  { labels, groups }: Samples,
): ReturnType<typeof splitDataset> {
  const { validation, seed } = 'source' in split ? { validation: 0, seed: 0 } : split;
  return splitDataset(labels, { validation, seed, groups });
}
