import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import {
  datasetDocument,
  hasLabels,
  type DatasetDocument,
  type DatasetDocumentInput,
  type DatasetSource,
  type DatasetSplit,
} from '../../shared/dataset.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import type { BundleFile } from '../../shared/manifest.ts';
import { byCodeUnit, folderLabels, isImageName } from './classFolders.ts';
import { withImageFiles } from './imageFiles.ts';
import { MemoryBudget } from './memoryBudget.ts';
import { readIdxFile } from './idx.ts';
import { readNpz } from './npz.ts';
import type { ResolveFile } from './openDataset.ts';
import { reasonOf, withZip } from './zipArchive.ts';

/** Data on this machine: a folder of class folders, an archive of one, an .npz, or two IDX files. */
export type LocalSource =
  | string
  | { readonly images: string; readonly labels?: string | undefined; readonly groups?: string | undefined };

export interface LocalOptions {
  readonly preprocessing: DatasetDocument['preprocessing'];
  /** Names of the classes. Absent: the folders' names, or the numbers 0 to the largest in the labels. */
  readonly labels?: readonly string[] | undefined;
  /** At least so many numbers, where labels are numbers: the data may lack samples of the last. */
  readonly classes?: number | undefined;
  /** Absent: a tenth of every class is held out, seed 1. */
  readonly split?: { readonly validation: number; readonly seed?: number } | LocalSource | undefined;
  readonly allowBad?: number | undefined;
  /** Further fields of the source: `x`, `y`, `axes`, `groups` of an .npz, `groups` of images. */
  readonly source?: Readonly<Record<string, unknown>> | undefined;
}

export interface LocalDataset {
  readonly document: DatasetDocument;
  readonly resolveFile: ResolveFile;
}

/**
 * Describes data on this machine as the document that a registry would hold, without moving it: for `openDataset`. The
 * digest of a folder is that of its list of files and their digests.
 *
 * @throws {Error} "Cannot use <path> as a data set: ..."
 */
export async function localDataset(from: LocalSource, options: LocalOptions): Promise<LocalDataset> {
  const told = typeof from === 'string' ? from : from.images;
  try {
    const files = new LocalFiles();
    const source = await sourceOf(from, files, options.source);
    const labels = options.labels ?? (await labelsOf(source, files, options.classes));
    const split: DatasetDocumentInput['split'] = await splitOf(options.split, files, options.source);
    const written = {
      format: 'trunkline.dataset/1',
      files: await files.describe(),
      source,
      preprocessing: options.preprocessing,
      labels,
      split,
      ...(options.allowBad === undefined ? {} : { allowBad: options.allowBad }),
    };
    const { data, error } = datasetDocument.safeParse(written);
    if (error) throw new Error(explainIssues(error));
    return { document: data, resolveFile: (file) => Promise.resolve(files.pathOf(file.path)) };
  } catch (cause) {
    throw new Error(`Cannot use ${told} as a data set: ${reasonOf(cause)}`, { cause });
  }
}

/** Files under the plain names that documents call them by. */
class LocalFiles {
  private readonly paths = new Map<string, string>();

  add(path: string): string {
    const plain = basename(path)
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '');
    const base = (plain === '' ? 'data' : plain).slice(-120);
    let name = base;
    for (let n = 2; this.paths.has(name) && this.paths.get(name) !== resolve(path); n++)
      name = `${n}-${base}`;
    this.paths.set(name, resolve(path));
    return name;
  }

  pathOf(name: string): string {
    const path = this.paths.get(name);
    if (path === undefined) throw new Error(`Cannot read ${name}: it is not among the data set's files`);
    return path;
  }

  async describe(): Promise<BundleFile[]> {
    const files: BundleFile[] = [];
    for (const [path, at] of this.paths) {
      const found = await stat(at);
      files.push({
        path,
        ...(found.isDirectory() ? await folderDigest(at) : await fileDigest(at, found.size)),
      });
    }
    return files;
  }
}

async function sourceOf(
  from: LocalSource,
  files: LocalFiles,
  further: LocalOptions['source'],
): Promise<DatasetSource> {
  const extra = { ...further } as object;
  if (typeof from !== 'string') {
    const groups = from.groups === undefined ? {} : { groups: files.add(from.groups) };
    const images = files.add(from.images);
    const labels = from.labels === undefined ? {} : { labels: files.add(from.labels) };
    return { kind: 'idx', images, ...labels, ...groups };
  }
  const isFolder = (await stat(from)).isDirectory();
  if (!isFolder && from.toLowerCase().endsWith('.npz')) {
    const { x = 'x', groups } = further ?? {};
    const y = (await hasMore(from, [x, groups])) ? 'y' : null;
    return { kind: 'npz', file: files.add(from), x: 'x', y, ...extra };
  }
  if (isFolder || /\.(zip|tar|tar\.gz|tgz)$/i.test(from)) {
    const unlabelled = !('unlabelled' in extra) && (await isFlat(from));
    return { kind: 'images', archive: files.add(from), ...(unlabelled && { unlabelled }), ...extra };
  }
  if (await isIdx(from)) return { kind: 'idx', images: files.add(from) };
  throw new Error(
    'it is neither a folder nor an .npz, .zip, .tar or .tar.gz; name IDX files as images and labels',
  );
}

/** Whether an archive has arrays besides the samples: one of them should be the labels. */
const hasMore = (npz: string, known: readonly unknown[]): Promise<boolean> =>
  withZip(npz, ({ files }) =>
    Promise.resolve(Array.from(files.keys()).some((file) => !known.includes(file.replace(/\.npy$/, '')))),
  );

/** Images in no folders of classes. */
const isFlat = (path: string): Promise<boolean> =>
  withImageFiles(path, ({ files }) => {
    const paths = [...files.keys()];
    return Promise.resolve(folderLabels(paths).length === 0 && paths.some(isImageName));
  });

/** Two zero bytes and an element type, gzipped or not: images without labels. */
async function isIdx(path: string): Promise<boolean> {
  if (/\.gz$/i.test(path)) return true;
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.readUInt16BE() === 0 && [8, 9, 11, 12, 13, 14].includes(buffer[2] ?? 0);
  } finally {
    await file.close();
  }
}

async function splitOf(
  wanted: LocalOptions['split'],
  files: LocalFiles,
  further: LocalOptions['source'],
): Promise<DatasetSplit | DatasetDocumentInput['split']> {
  if (wanted === undefined) return { validation: 0.1 };
  if (typeof wanted === 'object' && 'validation' in wanted) return wanted;
  return { source: await sourceOf(wanted, files, further) };
}

async function labelsOf(source: DatasetSource, files: LocalFiles, classes = 0): Promise<string[]> {
  if (!hasLabels(source)) {
    if (classes > 0) return Array.from({ length: classes }, (_, label) => String(label));
    throw new Error('it has no labels: say where they are, or name the classes of its network');
  }
  if (source.kind === 'images') {
    const labels = await withImageFiles(files.pathOf(source.archive), (images) =>
      Promise.resolve(folderLabels(images.files.keys())),
    );
    if (labels.length > 0) return labels;
    throw new Error('it has no folders of JPEG or PNG images; IDX files are named as images,labels');
  }
  const labels =
    source.kind === 'idx'
      ? await readIdxFile(files.pathOf(source.labels ?? ''))
      : (await readNpz(files.pathOf(source.file), [source.y ?? ''], new MemoryBudget(), source.file))[0];
  let largest = -1;
  for (const value of labels?.data ?? []) largest = Math.max(largest, Number(value));
  if (!(largest >= 0 && largest < 10_000))
    throw new Error(`its largest class number is ${largest}, which is not 0 to 9999: name the labels`);
  return Array.from({ length: Math.max(largest + 1, classes) }, (_, label) => String(label));
}

async function fileDigest(path: string, sizeBytes: number): Promise<Omit<BundleFile, 'path'>> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return { sha256: hash.digest('hex'), sizeBytes };
}

async function folderDigest(folder: string): Promise<Omit<BundleFile, 'path'>> {
  return withImageFiles(folder, async ({ files }) => {
    const hash = createHash('sha256');
    let total = 0;
    for (const path of [...files.keys()].sort(byCodeUnit)) {
      const { size } = await stat(resolve(folder, path)).catch(() => ({ size: 0 }));
      const digest = await fileDigest(resolve(folder, path), size).catch(() => ({ sha256: 'unreadable' }));
      hash.update(`${digest.sha256} ${path}\n`);
      total += size;
    }
    return { sha256: hash.digest('hex'), sizeBytes: total };
  });
}
