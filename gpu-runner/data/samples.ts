import type { Pixels } from '../../shared/preprocess.ts';
import { scalePixels } from '../../shared/preprocess.ts';
import type { Preprocessing } from '../../shared/preprocessing.ts';
import { elementCount } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';

/** A file or array row that could not be read, and why. */
export interface Problem {
  readonly path: string;
  readonly reason: string;
}

/** What a source held: raw values in the network's layout, bad samples left out and named. */
export interface Samples {
  /** Dims of one sample, without the batch. */
  readonly dims: readonly number[];
  /** [size, ...dims], before scaling. Bytes stay bytes. */
  readonly values: Pixels;
  /** [size]; all -1 (`noLabel`) where the source has none */
  readonly labels: Int32Array;
  /** [size], samples of one number belong together; absent when nothing groups them. */
  readonly groups?: Int32Array | undefined;
  readonly problems: readonly Problem[];
}

/** Samples as the engine reads them: scaled when they are asked for. */
export function samplesDataset(
  { dims, values, labels }: Samples,
  classes: number,
  preprocessing: Preprocessing | null,
): Dataset {
  const length = elementCount(dims);
  return {
    size: labels.length,
    sampleDims: dims,
    classes,
    labels,
    inputs(indices) {
      const raw =
        values instanceof Uint8Array
          ? new Uint8Array(indices.length * length)
          : new Float32Array(indices.length * length);
      let row = 0;
      for (const index of indices) {
        if (!(index >= 0 && index < labels.length))
          throw new RangeError(`Cannot read sample ${index}: there are ${labels.length}`);
        raw.set(values.subarray(index * length, (index + 1) * length), row);
        row += length;
      }
      if (preprocessing) return scalePixels(raw, preprocessing);
      return raw instanceof Float32Array ? raw : Float32Array.from(raw);
    },
  };
}

/** @throws {Error} with the reason, naming the first few, when more than `allowBad` of `total` samples are bad */
export function refuseTooManyBad(bad: readonly Problem[], total: number, allowBad: number): void {
  if (bad.length <= allowBad * total) return;
  const told = bad.slice(0, 5).map(({ path, reason }) => `${path}: ${reason}`);
  const untold = bad.length - told.length;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  throw new Error(
    `${bad.length} of ${total} samples are bad (${percent(bad.length / total)}, allowed are ${percent(allowBad)}): ` +
      told.join('; ') +
      (untold > 0 ? `; and ${untold} more` : ''),
  );
}
