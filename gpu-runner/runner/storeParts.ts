import type { Recipe } from '../../shared/recipe.ts';
import type { QuantisationReport } from '../../shared/report.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { StoredParts } from '../bundle/storedParts.ts';
import { quantise } from '../bundle/quantise/quantise.ts';
import { storeHalf } from '../bundle/quantise/storeHalf.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import { Random } from '../engine/random.ts';
import type { Provider } from '../engine/providers.ts';
import type { ServingGraphs } from '../mtz/wiring.ts';

/** One task's samples as the bundle reads them. */
export interface TaskSamples {
  readonly task: string;
  readonly train: Dataset;
  readonly validation: Dataset | null;
}

export interface Stored {
  readonly parts: StoredParts;
  readonly report: Omit<QuantisationReport, 'bytes'>;
}

export interface StoreOptions {
  readonly provider: Provider;
  readonly onProgress?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Samples of each task that the ranges of int8 are taken from, in batches of this many. */
const calibrationSamples = 256;
const calibrationBatch = 32;

/**
 * A bundle's parts as the recipe wants them stored; undefined where that is float32, as they are.
 *
 * @throws {Error} when int8 would cost a task more accuracy than the recipe allows
 */
export async function storeParts(
  serving: ServingGraphs,
  data: readonly TaskSamples[],
  { storage, maxStorageDrop, seed }: Pick<Recipe, 'storage' | 'maxStorageDrop' | 'seed'>,
  { provider, onProgress, signal }: StoreOptions,
): Promise<Stored | undefined> {
  switch (storage) {
    case 'float32':
      return undefined;
    case 'float16': {
      const { kept, ...parts } = storeHalf(serving);
      const excluded = kept.map(({ part, name, reason }) => ({ part, layer: name, reason }));
      return { parts: { storage, ...parts }, report: { storage, excluded, error: {}, accuracy: {} } };
    }
    case 'int8': {
      const validation = Object.fromEntries(
        data.flatMap(({ task, validation: held }) => (held && isLabelled(held) ? [[task, held]] : [])),
      );
      const { trunk, heads, excluded, ...told } = await quantise(serving, calibration(data, seed), {
        ...{ provider, validation, maxDrop: maxStorageDrop },
        ...(signal && { signal }),
        onProgress: (event) =>
          onProgress?.(`int8: ${event.stage}${'layer' in event ? ` ${event.layer}` : ''}`),
      });
      const { quantised, method, calibrationSamples: samples, error, accuracy } = told;
      return {
        parts: { storage, trunk, heads, tolerance: toleranceFor(error) },
        report: {
          ...{ storage, method, quantised, calibrationSamples: samples },
          ...{ excluded: [...excluded], error: { ...error }, accuracy: { ...accuracy } },
        },
      };
    }
    default:
      return storage satisfies never;
  }
}

/**
 * How far the stored files may be from the network, as a share of its largest output: five times the relative difference
 * (root mean square) that was measured when the ranges were chosen, a tenth at least. What that costs in accuracy was
 * judged before; this finds files that are not those of the network.
 */
const toleranceFor = (error: Readonly<Record<string, { readonly relative: number }>>): number =>
  Math.max(0.1, 5 * Math.max(...Object.values(error).map(({ relative }) => relative)));

/** Training samples of all tasks, drawn at random, task after task. */
function calibration(data: readonly TaskSamples[], seed: number): Tensor<'float32'>[] {
  return data.flatMap(({ train }, task) => {
    const chosen = new Random(seed, calibrationStream, task)
      .permutation(train.size)
      .subarray(0, calibrationSamples);
    const batches: Tensor<'float32'>[] = [];
    for (let start = 0; start < chosen.length; start += calibrationBatch) {
      const indices = chosen.subarray(start, start + calibrationBatch);
      batches.push({
        dtype: 'float32',
        dims: [indices.length, ...train.sampleDims],
        data: train.inputs(indices),
      });
    }
    return batches;
  });
}

/** Sets these draws apart from those of Gram matrices and batches. */
const calibrationStream = 0x6938;
