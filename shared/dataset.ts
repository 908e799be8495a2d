import { z } from 'zod';
import { bundleFile } from './manifest.ts';
import { preprocessing } from './preprocessing.ts';

/** A `path` of the document's `files`. */
const filePath = bundleFile.shape.path;

/** Arrays `x` (samples) and `y` (class numbers) of a NumPy archive. Without labels, data serve distillation only. */
const npzSource = z.strictObject({
  kind: z.literal('npz'),
  file: filePath,
  x: z.string().min(1).default('x'),
  /** Null: the samples have no labels. */
  y: z.string().min(1).nullable().default('y'),
  /** Name of an array of whole numbers: samples of one group never part in a split. */
  groups: z.string().min(1).optional(),
  /** What the axes of images are. Absent: read from the dims, and refused when they leave a doubt. */
  axes: z.enum(['NHW', 'NCHW', 'NHWC']).optional(),
});

/** IDX files as of MNIST, gzipped or plain. */
const idxSource = z.strictObject({
  kind: z.literal('idx'),
  images: filePath,
  /** Absent: the samples have none. */
  labels: filePath.optional(),
  groups: filePath.optional(),
});

/** A .zip, .tar or .tar.gz of JPEG and PNG files, one folder a class, named as `labels` name it. */
const imagesSource = z.strictObject({
  kind: z.literal('images'),
  archive: filePath,
  /** The images have no labels, whatever folders they lie in. */
  unlabelled: z.literal(true).optional(),
  /** Files of one class whose names agree before this text are one group: `_` for `track7_frame12.png`. */
  groups: z.strictObject({ before: z.string().min(1).max(16) }).optional(),
});

export const datasetSource = z.discriminatedUnion('kind', [npzSource, idxSource, imagesSource]);
export type DatasetSource = z.infer<typeof datasetSource>;

/** What is held out: a share of every class, drawn by the seed, or all of another source. */
export const datasetSplit = z.union([
  z.strictObject({ validation: z.number().min(0).max(0.5), seed: z.int().min(0).default(1) }),
  z.strictObject({ source: datasetSource }),
]);
export type DatasetSplit = z.infer<typeof datasetSplit>;

/** The paths a source reads. */
export function sourceFiles(source: DatasetSource): string[] {
  switch (source.kind) {
    case 'npz':
      return [source.file];
    case 'idx':
      return [source.images, source.labels, source.groups].filter((path) => path !== undefined);
    case 'images':
      return [source.archive];
    default:
      return source satisfies never;
  }
}

/** Whether samples of a source come with labels. Without, a task learns from its own network's answers. */
export function hasLabels(source: DatasetSource): boolean {
  switch (source.kind) {
    case 'npz':
      return source.y !== null;
    case 'idx':
      return source.labels !== undefined;
    case 'images':
      return source.unlabelled !== true;
    default:
      return source satisfies never;
  }
}

/** Whether labels say what is right in what is held out: else a task is judged by how many of its answers stay. */
export const isJudgedByLabels = ({ source, split }: Pick<DatasetDocument, 'source' | 'split'>): boolean =>
  hasLabels('source' in split ? split.source : source);

/** What a data-set version is. Its digest is the SHA-256 of its canonical JSON. */
export const datasetDocument = z
  .strictObject({
    format: z.literal('trunkline.dataset/1'),
    files: z.array(bundleFile).min(1).max(16),
    source: datasetSource,
    /** Null: arrays hold what the network reads, only their type becomes float32. Images need one. */
    preprocessing: preprocessing.nullable(),
    /** Names of the classes 0, 1, 2 ... */
    labels: z.array(z.string().min(1).max(200)).min(1).max(10_000),
    split: datasetSplit,
    /** Share of samples (0 to 1) that may be unreadable; they are named and left out. More: the set is refused. */
    allowBad: z.number().min(0).max(1).default(0.01),
  })
  .check(({ value, issues }) => {
    for (const message of contradictions(value)) issues.push({ code: 'custom', message, input: value });
  });
export type DatasetDocument = z.infer<typeof datasetDocument>;
/** A document as a person writes it, defaults left out. */
export type DatasetDocumentInput = z.input<typeof datasetDocument>;

function contradictions({
  files,
  source,
  split,
  labels,
  preprocessing,
}: Pick<DatasetDocument, 'files' | 'source' | 'split' | 'labels' | 'preprocessing'>): string[] {
  const complaints: string[] = [];
  const sources = 'source' in split ? [source, split.source] : [source];
  const paths = new Set(files.map((file) => file.path));
  const read = new Set(sources.flatMap(sourceFiles));
  if (paths.size < files.length) complaints.push('two files have the same path');
  for (const path of read) if (!paths.has(path)) complaints.push(`"${path}" is not among the files`);
  for (const path of paths) if (!read.has(path)) complaints.push(`nothing reads the file "${path}"`);
  if (new Set(labels).size < labels.length) complaints.push('two labels are the same');
  if (preprocessing === null && sources.some((one) => one.kind === 'images'))
    complaints.push('images need preprocessing: say what the network reads');
  return complaints;
}

/** Dims of one sample as the network reads it, without the batch; null when only the arrays tell. */
export const declaredSampleDims = (document: DatasetDocument): readonly number[] | null =>
  document.preprocessing?.layout ?? null;
