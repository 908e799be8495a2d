import { subset, type Dataset } from '../../gpu-runner/engine/dataset.ts';
import { Random } from '../../gpu-runner/engine/random.ts';
import { benchData, onlyClasses, type BenchData, type BenchSetName } from '../data.ts';

/** Samples of one task as a job's settings name them. */
export interface DataSpec {
  readonly set: BenchSetName;
  /** Grey images as RGB of 32 x 32 pixels. */
  readonly rgb32?: boolean;
  /** Only these classes, numbered anew. */
  readonly classes?: readonly number[];
  /** At most so many validation and test samples, for a quick look. */
  readonly held?: number;
}

/** Reads tasks once, and keeps one set of images for all tasks on it. */
export class Tasks {
  private readonly read = new Map<string, Promise<BenchData>>();

  async data({ set, rgb32 = false, classes, held }: DataSpec): Promise<BenchData> {
    const key = `${set} ${rgb32}`;
    const whole = this.read.get(key) ?? benchData(set, { rgb32 });
    this.read.set(key, whole);
    const chosen = classes ? onlyClasses(await whole, classes) : await whole;
    if (held === undefined) return chosen;
    const fewer = (dataset: Dataset): Dataset => some(dataset, held);
    return { ...chosen, validation: fewer(chosen.validation), test: fewer(chosen.test) };
  }

  /** Forgets the images, which are large. */
  clear(): void {
    this.read.clear();
  }
}

/** So many samples at random: data sets may have their classes in some order. */
function some(dataset: Dataset, count: number): Dataset {
  if (dataset.size <= count) return dataset;
  return subset(dataset, new Random(1).permutation(dataset.size).subarray(0, count));
}
