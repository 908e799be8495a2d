import type { Recipe } from '../../shared/recipe.ts';
import type { QuantisationReport } from '../../shared/report.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { StoredParts } from '../bundle/storedParts.ts';
import { collectAnswers, compareAnswers } from '../bundle/quantise/measure.ts';
import type { Parts } from '../bundle/quantise/parts.ts';
import { floorComplaint, isBelowFloor, quantise } from '../bundle/quantise/quantise.ts';
import { storeHalf } from '../bundle/quantise/storeHalf.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import { Random } from '../engine/random.ts';
import type { Provider } from '../engine/providers.ts';
import type { ServingGraphs } from '../mtz/wiring.ts';
import { judgeTask, type Judgement } from './judge.ts';
import { StorageError } from './storageError.ts';

/** One task's samples as the bundle reads them. */
export interface TaskSamples {
  readonly task: string;
  readonly train: Dataset;
  readonly validation: Dataset | null;
}

export interface Stored {
  readonly parts: StoredParts;
  readonly report: Omit<QuantisationReport, 'bytes'>;
  /** How the stored parts did on held-out samples, by task that has them. */
  readonly judged: ReadonlyMap<string, Judgement>;
}

export interface StoreOptions {
  readonly provider: Provider;
  /** Accuracy (0 to 1) that a task must keep, by task. */
  readonly floors?: Readonly<Record<string, number>>;
  readonly onProgress?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Samples of each task that the ranges of int8 are taken from, in batches of this many. */
const calibrationSamples = 256;
const calibrationBatch = 32;

/**
 * A bundle's parts as the recipe wants them stored; undefined where that is float32, as they are.
 *
 * @throws {StorageError} when it would cost a task more accuracy than the recipe or a floor allows, or cannot be done
 */
export async function storeParts(
  serving: ServingGraphs,
  data: readonly TaskSamples[],
  recipe: Pick<Recipe, 'storage' | 'maxStorageDrop' | 'seed'>,
  options: StoreOptions,
): Promise<Stored | undefined> {
  const { storage } = recipe;
  if (storage === 'float32') return undefined;
  return (
    storage === 'float16'
      ? storeAsHalf(serving, data, recipe, options)
      : storeAsIntegers(serving, data, recipe, options)
  ).catch((cause: unknown) => {
    options.signal?.throwIfAborted();
    throw new StorageError(cause instanceof Error ? cause.message : String(cause), { cause });
  });
}

async function storeAsHalf(
  serving: ServingGraphs,
  data: readonly TaskSamples[],
  { seed }: Pick<Recipe, 'seed'>,
  options: StoreOptions,
): Promise<Stored> {
  const { floors = {}, provider, signal } = options;
  const { kept, trunk, heads } = storeHalf(serving);
  const half = { trunk, heads };
  const batches = calibration(data, seed);
  const run = { provider, signal };
  const error = compareAnswers(
    await collectAnswers(serving, batches, run),
    await collectAnswers(half, batches, run),
  );
  const [before, after] = [await judgeParts(serving, data, options), await judgeParts(half, data, options)];
  const accuracy: QuantisationReport['accuracy'] = {};
  for (const [task, { accuracy: now, samples }] of after) {
    const one = { before: before.get(task)?.accuracy ?? 0, after: now, samples };
    const floor = floors[task] ?? 0;
    if (isBelowFloor(one, floor))
      throw new Error(`Cannot store as float16: ${floorComplaint(task, one, floor)}`);
    accuracy[task] = one;
  }
  const excluded = kept.map(({ part, name, reason }) => ({ part, layer: name, reason }));
  return {
    parts: { storage: 'float16', ...half },
    report: { storage: 'float16', excluded, error, accuracy },
    judged: after,
  };
}

async function storeAsIntegers(
  serving: ServingGraphs,
  data: readonly TaskSamples[],
  { maxStorageDrop, seed }: Pick<Recipe, 'maxStorageDrop' | 'seed'>,
  options: StoreOptions,
): Promise<Stored> {
  const { provider, floors, onProgress, signal } = options;
  const validation = Object.fromEntries(
    data.flatMap(({ task, validation: held }) => (held && isLabelled(held) ? [[task, held]] : [])),
  );
  const { trunk, heads, excluded, ...told } = await quantise(serving, calibration(data, seed), {
    ...{ provider, validation, maxDrop: maxStorageDrop, floors },
    ...(signal && { signal }),
    onProgress: (event) => onProgress?.(`int8: ${event.stage}${'layer' in event ? ` ${event.layer}` : ''}`),
  });
  const { quantised, method, calibrationSamples: samples, error, accuracy } = told;
  return {
    parts: { storage: 'int8', trunk, heads, tolerance: toleranceFor(error) },
    report: {
      ...{ storage: 'int8', method, quantised, calibrationSamples: samples },
      ...{ excluded: [...excluded], error: { ...error }, accuracy: { ...accuracy } },
    },
    judged: await judgeParts({ trunk, heads }, data, options),
  };
}

/** What trunk and heads answer right of each task's held-out samples. */
async function judgeParts(
  parts: Parts,
  data: readonly TaskSamples[],
  { provider, signal }: StoreOptions,
): Promise<Map<string, Judgement>> {
  const judged = new Map<string, Judgement>();
  for (const { task, validation } of data) {
    if (!validation || !isLabelled(validation)) continue;
    judged.set(task, await judgeTask(parts, task, validation, { provider, ...(signal && { signal }) }));
  }
  return judged;
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
