import type { BenchData } from '../../../bench/data.ts';
import type { Context } from '../../../bench/zip/context.ts';
import { Jobs } from '../../../bench/zip/jobs.ts';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { pixelsTo1 } from '../../../shared/preprocessing.ts';

/** Images that are bright in one quarter: four classes. */
function quarters(size: number, seed: number): Dataset {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, () => random.integer(4));
  const inputs = Float32Array.from({ length: size * 3072 }, (_, index) => {
    const [row, column] = [Math.floor((index % 1024) / 32), index % 32];
    const quarter = 2 * Math.floor(row / 16) + Math.floor(column / 16);
    const isBright = quarter === labels[Math.floor(index / 3072)];
    return (isBright ? 0.5 : 0) + random.uniform(0, 0.5);
  });
  return memoryDataset({ sampleDims: [3, 32, 32], classes: 4, labels, inputs });
}

/**
 * A benchmark whose every task are such images.
 *
 * @param onStart told of every job that is not done yet
 */
export function quartersContext(folder: string, onStart?: (line: string) => void): Context {
  const [train, validation, test] = [quarters(64, 1), quarters(40, 2), quarters(40, 3)];
  const data: BenchData = {
    ...{ name: 'cifar10', labels: ['a', 'b', 'c', 'd'], preprocessing: pixelsTo1([3, 32, 32]) },
    ...{ train, validation, test },
  };
  return {
    jobs: new Jobs(folder, (line) => {
      if (line.endsWith('...')) onStart?.(line);
    }),
    tasks: { data: () => Promise.resolve(data) },
    ...{ threads: 1, repeats: 1, quick: false, log: () => undefined },
  };
}
