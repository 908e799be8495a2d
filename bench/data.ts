import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIdxFile } from '../gpu-runner/data/idx.ts';
import { samplesDataset, type Samples } from '../gpu-runner/data/samples.ts';
import { splitDataset } from '../gpu-runner/data/split.ts';
import { writeFileAtomically } from '../gpu-runner/data/writeFileAtomically.ts';
import { subset, type Dataset } from '../gpu-runner/engine/dataset.ts';
import { fitImage } from '../shared/preprocess.ts';
import { pixelsTo1, type Preprocessing } from '../shared/preprocessing.ts';
import { readJpegStream } from './jpegStream.ts';

interface BenchSet {
  /** Folder of the images. */
  readonly folder: string;
  /** What the label files are called, and the field of meta.json that names the classes. */
  readonly labels: string;
  readonly classes: string;
  /** File of numbers of groups that belong together, if any. */
  readonly groups?: string;
}

const first = (folder: string): BenchSet => ({ folder, labels: 'labels', classes: 'classes' });

/** The tasks that lie in `../shared/data`, beside the checkout (see its README for sources and licences). */
export const benchSets = {
  mnist: first('mnist'),
  fashion: first('fashion-mnist'),
  kmnist: first('kmnist-10k'),
  notmnist: first('notmnist-10k'),
  cifar10: first('cifar10-jpeg'),
  /** About 30 frames of one sign follow each other: a whole track is held out or none of it. */
  gtsrb: { ...first('gtsrb'), groups: 'tracks' },
  eurosat: first('eurosat'),
  characters: first('omniglot-small'),
  alphabets: { folder: 'omniglot-small', labels: 'alphabets', classes: 'alphabets' },
  spokenDigits: first('fsdd-spectrograms'),
  speakers: { folder: 'fsdd-spectrograms', labels: 'speakers', classes: 'speakers' },
} as const satisfies Record<string, BenchSet>;
export type BenchSetName = keyof typeof benchSets;

export interface BenchData {
  readonly name: BenchSetName;
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly train: Dataset;
  /** A tenth of each class of the training part (seed 1), whole tracks where there are any; the same images for two tasks on them. */
  readonly validation: Dataset;
  readonly test: Dataset;
}

export interface BenchDataOptions {
  /** Grey images as RGB of 32 x 32 pixels, so that they go through the same networks as the colour sets. */
  readonly rgb32?: boolean;
  /** Where the sets lie. */
  readonly root?: string;
  /** Where decoded images are kept. */
  readonly cache?: string;
}

const repository = join(import.meta.dirname, '..');

/** Why nothing can be read, for a bench to print and stop; null when the data is there. */
export function missingData(root = join(repository, '../shared/data')): string | null {
  if (existsSync(root)) return null;
  return `Skipped: the data sets of this bench are expected in ${root}, which is not there.`;
}

/**
 * One task, pixels / 255, [N, 1, H, W] grey or [N, 3, 32, 32] colour. JPEGs are decoded once and kept as bytes.
 *
 * @throws {Error} when a file is missing or cannot be read
 */
export async function benchData(name: BenchSetName, options: BenchDataOptions = {}): Promise<BenchData> {
  const { root = join(repository, '../shared/data'), cache = join(repository, '.cache/bench-data') } =
    options;
  const set: BenchSet = benchSets[name];
  const folder = join(root, set.folder);
  const labels = await classNames(join(folder, 'meta.json'), set.classes);
  const numbers = async (part: string, kind: string, type: string): Promise<Int32Array> =>
    Int32Array.from((await readIdxFile(join(folder, `${part}-${kind}-idx1-${type}.gz`))).data);
  const read = async (part: 'train' | 'test'): Promise<Samples> => {
    const images = await readImages(folder, part, join(cache, set.folder), options.rgb32 ?? false);
    const classes = await numbers(part, set.labels, 'ubyte');
    if (classes.length !== images.dims[0])
      throw new Error(`Cannot read ${name}: ${images.dims[0] ?? 0} images have ${classes.length} labels`);
    return { dims: images.dims.slice(1), values: images.data, labels: classes, problems: [] };
  };
  const training = await read('train');
  const [channels, height = 0, width = 0] = training.dims;
  const preprocessing = pixelsTo1([channels === 1 ? 1 : 3, height, width]);
  const all = samplesDataset(training, labels.length, preprocessing);
  // Two tasks on the same images hold the same ones out: those of the first task.
  const { train, validation } = splitDataset(await numbers('train', 'labels', 'ubyte'), {
    validation: 0.1,
    seed: 1,
    groups: set.groups ? await numbers('train', set.groups, 'short') : undefined,
  });
  return {
    name,
    labels,
    preprocessing,
    train: subset(all, train),
    validation: subset(all, validation),
    test: samplesDataset(await read('test'), labels.length, preprocessing),
  };
}

/** The samples of some classes, numbered anew in the order of `classes`: half of CIFAR-10, say. */
export function onlyClasses(data: BenchData, classes: readonly number[]): BenchData {
  const places = new Map(classes.map((label, place) => [label, place]));
  const choose = (dataset: Dataset): Dataset => {
    const kept = Uint32Array.from(dataset.labels.keys()).filter((at) => places.has(dataset.labels[at] ?? -1));
    const chosen = subset(dataset, kept);
    return {
      ...chosen,
      classes: classes.length,
      labels: chosen.labels.map((label) => places.get(label) ?? 0),
    };
  };
  return {
    ...data,
    labels: classes.map((label) => data.labels[label] ?? ''),
    train: choose(data.train),
    validation: choose(data.validation),
    test: choose(data.test),
  };
}

async function classNames(path: string, field: string): Promise<string[]> {
  const meta = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const names = meta[field];
  if (!Array.isArray(names)) throw new Error(`Cannot read ${path}: it has no list "${field}"`);
  return names.map(String);
}

/** [N, C, H, W] */
interface Images {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/** Decoded JPEGs are kept as an IDX file, whose name tells what it was made from. */
async function readImages(folder: string, part: string, cache: string, rgb32: boolean): Promise<Images> {
  const jpegs = join(folder, `${part}-jpegs.bin.gz`);
  if (!existsSync(jpegs)) {
    const grey = await readBytes(join(folder, `${part}-images-idx3-ubyte.gz`));
    const [count = 0, height = 0, width = 0] = grey.dims;
    return rgb32 ? toRgb32(grey.data, count, height, width) : { ...grey, dims: [count, 1, height, width] };
  }
  const { size } = await stat(jpegs);
  const kept = join(cache, `${part}-${size}.idx`);
  if (existsSync(kept)) return readBytes(kept);
  const offsets = await readIdxFile(join(folder, `${part}-offsets-idx1-int.gz`));
  const decoded = await readJpegStream(jpegs, Int32Array.from(offsets.data));
  await mkdir(cache, { recursive: true });
  await writeFileAtomically(kept, idxBytes(decoded));
  return decoded;
}

async function readBytes(path: string): Promise<Images> {
  const { dtype, dims, data } = await readIdxFile(path);
  if (dtype !== 'uint8') throw new Error(`Cannot read ${path}: it holds ${dtype}, not bytes`);
  return { dims, data };
}

function toRgb32(grey: Uint8Array, count: number, height: number, width: number): Images {
  const resize = { width: 32, height: 32, mode: 'bilinear', fit: 'stretch' } as const;
  const preprocessing = { ...pixelsTo1([3, 32, 32]), resize };
  const data = new Uint8Array(count * 3 * 32 * 32);
  const area = height * width;
  for (let index = 0; index < count; index++) {
    const plane = grey.subarray(index * area, (index + 1) * area);
    const image = { width, height, channels: 1, axes: 'CHW', data: plane } as const;
    data.set(fitImage<Uint8Array>(image, preprocessing), index * 3 * 32 * 32);
  }
  return { dims: [count, 3, 32, 32], data };
}

function idxBytes({ dims, data }: Images): Uint8Array {
  const head = new DataView(new ArrayBuffer(4 + 4 * dims.length));
  head.setUint8(2, 8);
  head.setUint8(3, dims.length);
  dims.forEach((dim, axis) => head.setUint32(4 + 4 * axis, dim));
  return Buffer.concat([new Uint8Array(head.buffer), data]);
}
