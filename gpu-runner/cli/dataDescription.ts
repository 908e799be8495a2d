import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { datasetDocument } from '../../shared/dataset.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { pixelsTo1, preprocessing, type Preprocessing } from '../../shared/preprocessing.ts';
import type { LocalDataset, LocalSource } from '../data/localDataset.ts';
import { UsageError } from './context.ts';

/** Where data lies: one path, or IDX files of images and, where these have any, labels. */
const source = z.union([
  z.string().min(1),
  z.strictObject({ images: z.string(), labels: z.string().optional(), groups: z.string().optional() }),
]);

/** Data as a person describes it in a JSON file. Paths are relative to that file. */
export const dataDescription = z.strictObject({
  from: source,
  /** Null: arrays hold what the network reads. Left out: pixels / 255, of the size the network reads. */
  preprocessing: preprocessing.nullable().optional(),
  /** Left out: the folders' names, or 0 to the largest class number. */
  labels: z.array(z.string().min(1)).min(1).optional(),
  split: z
    .union([
      z.strictObject({ validation: z.number().min(0).max(0.5), seed: z.int().min(0).optional() }),
      z.strictObject({ from: source }),
    ])
    .optional(),
  allowBad: z.number().min(0).max(1).optional(),
  /** Further fields of the source: `x`, `y`, `axes` and `groups` of an .npz, `groups` of images. */
  source: z.record(z.string(), z.unknown()).optional(),
});
export type DataDescription = z.infer<typeof dataDescription>;

export interface DataDefaults {
  /** What one sample is to be, without the batch, where a network says so. */
  readonly sampleDims?: readonly number[] | undefined;
  readonly preprocessing?: Preprocessing | undefined;
  readonly labels?: readonly string[] | undefined;
  /** That a network answers: class numbers that no sample has are classes too. */
  readonly classes?: number | undefined;
}

/**
 * Data from what stands on a command line: a folder of class folders, an archive of one, an .npz, two IDX files
 * (`images,labels`), a JSON file that describes data, or a data-set document beside its files.
 *
 * @throws {Error} naming what cannot be used, and why
 */
export async function localData(text: string, defaults: DataDefaults = {}): Promise<LocalDataset> {
  if (!text.endsWith('.json')) return describeLocally({ from: sourceOf(text) }, defaults, '.');
  const refuse = (why: string, cause?: unknown): Error =>
    new Error(`Cannot use ${text} as data: ${why}`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(await readFile(text, 'utf8'));
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const folder = dirname(resolve(text));
  if (typeof value === 'object' && value !== null && 'format' in value) {
    const document = datasetDocument.safeParse(value);
    if (!document.success) throw refuse(explainIssues(document.error));
    return { document: document.data, resolveFile: ({ path }) => Promise.resolve(join(folder, path)) };
  }
  const parsed = dataDescription.safeParse(value);
  if (!parsed.success) throw refuse(explainIssues(parsed.error));
  return describeLocally(parsed.data, defaults, folder);
}

function sourceOf(text: string): LocalSource {
  const [images = '', labels, ...more] = text.split(',');
  if (labels === undefined) return images;
  if (more.length > 0) throw new UsageError(`Cannot use ${text} as data: name two IDX files, images,labels`);
  return { images, labels };
}

async function describeLocally(
  { from, preprocessing: said, labels, split, allowBad, source: further }: DataDescription,
  defaults: DataDefaults,
  folder: string,
): Promise<LocalDataset> {
  const at = (where: LocalSource): LocalSource =>
    typeof where === 'string'
      ? resolve(folder, where)
      : {
          images: resolve(folder, where.images),
          ...(where.labels !== undefined && { labels: resolve(folder, where.labels) }),
          ...(where.groups !== undefined && { groups: resolve(folder, where.groups) }),
        };
  const { localDataset } = await import('../data/localDataset.ts');
  return localDataset(at(from), {
    preprocessing: said === undefined ? (defaults.preprocessing ?? pixelsFor(defaults.sampleDims)) : said,
    labels: labels ?? defaults.labels,
    classes: defaults.classes,
    split: split === undefined ? undefined : 'from' in split ? at(split.from) : withSeed(split),
    allowBad,
    source: further,
  });
}

const withSeed = ({ validation, seed }: { validation: number; seed?: number | undefined }) => ({
  validation,
  ...(seed !== undefined && { seed }),
});

/** Pixels / 255 for a network that reads images; arrays as they are for any other. */
function pixelsFor(dims: readonly number[] | undefined): Preprocessing | null {
  const [channels = 0, height = 0, width = 0] = dims ?? [];
  if (dims?.length !== 3 || (channels !== 1 && channels !== 3) || height < 1 || width < 1) return null;
  return pixelsTo1([channels, height, width]);
}

/** A file with preprocessing as JSON. @throws {Error} */
export async function readPreprocessing(file: string): Promise<Preprocessing> {
  try {
    const parsed = preprocessing.safeParse(JSON.parse(await readFile(file, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error(explainIssues(parsed.error));
  } catch (cause) {
    throw new Error(
      `Cannot use ${file} as preprocessing: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
