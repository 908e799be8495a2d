/**
 * Static post-training quantisation to int8 (Jacob et al. 2018, in the QDQ form of ONNX): weights symmetric per channel,
 * activations per tensor on ranges seen on real samples, biases int32, sums exact. What the edge loads becomes four times
 * smaller. Layers whose rounding costs too much stay float32 and are named.
 */
import type { Tensor } from '../../../shared/tensor.ts';
import type { Dataset } from '../../engine/dataset.ts';
import type { Provider } from '../../engine/providers.ts';
import { calibrate, type CalibrateOptions } from './calibrate.ts';
import { foldNormalisation } from './foldNormalisation.ts';
import { rangeMethods, type RangeMethod } from './histogram.ts';
import { layersOf } from './layers.ts';
import { collectAnswers, compareAnswers, countRight, type OutputError } from './measure.ts';
import { mapParts, partsOf, type Parts } from './parts.ts';
import { flowsOf, quantiseParts, type PlacedLayer } from './quantiseParts.ts';
import type { ActivationType } from './scales.ts';

export interface QuantiseOptions {
  readonly provider: Provider;
  /** Held-out samples, by task: what `maxDrop` is measured on. */
  readonly validation?: Readonly<Record<string, Dataset>> | undefined;
  /** Largest loss of accuracy of any task, 0 to 1; default 0.005. */
  readonly maxDrop?: number | undefined;
  /**
   * Accuracy (0 to 1) that a task must keep as well, by task. Where float32 is below it already, int8 must not be worse.
   */
  readonly floors?: Readonly<Record<string, number>> | undefined;
  /** Largest relative error of any task's outputs on the calibration samples; default 0.1. */
  readonly maxError?: number | undefined;
  /** Layers that may stay float32 for accuracy's sake; default half of them, rounded up. */
  readonly maxExcluded?: number | undefined;
  /** Default uint8: what a ReLU makes then uses all 256 integers, as with int8, and is fastest in ONNX Runtime. */
  readonly activations?: ActivationType | undefined;
  /** Ranges to choose from by what they cost in accuracy, then in error; default all. */
  readonly methods?: readonly RangeMethod[] | undefined;
  readonly onProgress?: ((progress: QuantiseProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type QuantiseProgress =
  | { readonly stage: 'calibrate'; readonly samples: number }
  | { readonly stage: 'choose-ranges'; readonly method: RangeMethod; readonly error: number }
  | { readonly stage: 'rank'; readonly layer: string; readonly error: number }
  | { readonly stage: 'exclude'; readonly layer: string; readonly reason: string };

/** A layer that stays float32. */
export interface ExcludedLayer {
  /** The part it lies in: "trunk" or a task. */
  readonly part: string;
  readonly layer: string;
  readonly reason: string;
}

export interface Quantised extends Parts {
  readonly excluded: readonly ExcludedLayer[];
  /** Layers that compute on integers. */
  readonly quantised: number;
  readonly method: RangeMethod;
  readonly calibrationSamples: number;
  /** By task, on the calibration samples. */
  readonly error: Readonly<Record<string, OutputError>>;
  /** By task with validation samples: share answered right (0 to 1) by float32 and by int8. */
  readonly accuracy: Readonly<Record<string, QuantisedAccuracy>>;
}

export interface QuantisedAccuracy {
  readonly before: number;
  readonly after: number;
  readonly samples: number;
}

interface Measured {
  readonly parts: Parts;
  readonly error: Readonly<Record<string, OutputError>>;
  /** Right answers by task. */
  readonly right: ReadonlyMap<string, number>;
}

/**
 * Trunk and heads with int8 weights. Inputs, taps and outputs stay float32; a tap that the trunk computes as integers
 * is rounded on one scale in the trunk and in all heads.
 *
 * Sources stay untouched. Same graphs, samples and machine: same result.
 *
 * @param calibration batches [n, ...sample] of the one input that the parts read, real samples of all tasks
 * @throws {Error} when there is nothing to quantise or calibrate with; and, with the numbers, when a task's accuracy
 *   drops by more than `maxDrop` or below its floor, or its outputs differ by more than `maxError`, whatever stays float32
 */
export async function quantise(
  parts: Parts,
  calibration: readonly Tensor<'float32'>[],
  options: QuantiseOptions,
): Promise<Quantised> {
  const { maxDrop = 0.005, maxError = 0.1, activations = 'uint8', methods = rangeMethods } = options;
  const { onProgress, validation = {}, floors = {} } = options;
  const run: CalibrateOptions = { provider: options.provider, signal: options.signal };
  const source = mapParts({ trunk: parts.trunk, heads: parts.heads }, foldNormalisation);
  const all = placedLayers(source);
  const excluded: ExcludedLayer[] = all.flatMap(({ part, layer }) =>
    layer.unsupported === null ? [] : [{ part, layer: layer.name, reason: layer.unsupported }],
  );
  let chosen = all.filter(({ layer }) => layer.unsupported === null);
  if (chosen.length === 0)
    throw new Error(`Cannot quantise: none of ${all.length} layers with weights can compute on integers`);
  const maxExcluded = options.maxExcluded ?? Math.ceil(chosen.length / 2);

  const calibrationSamples = calibration.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
  onProgress?.({ stage: 'calibrate', samples: calibrationSamples });
  const watched = new Map(
    [...flowsOf(source, chosen)].map(([part, flow]) => [part, new Set(flow.quantised.keys())]),
  );
  const seen = await calibrate(source, watched, calibration, run);
  const expected = await collectAnswers(source, calibration, run);
  const before = await rightAnswers(source, validation, run);

  const measure = async (layers: readonly PlacedLayer[], method: RangeMethod): Promise<Measured> => {
    const quantised = quantiseParts(source, layers, seen, { method, activations });
    const error = compareAnswers(expected, await collectAnswers(quantised, calibration, run));
    return { parts: quantised, error, right: await rightAnswers(quantised, validation, run) };
  };
  const candidates: { method: RangeMethod; measured: Measured }[] = [];
  for (const method of methods) {
    const measured = await measure(chosen, method);
    onProgress?.({ stage: 'choose-ranges', method, error: worstError(measured) });
    candidates.push({ method, measured });
  }
  const [best] = candidates.sort((a, b) => byAccuracyThenError(a.measured, b.measured));
  if (!best) throw new Error('Cannot quantise: there is no way to choose ranges');
  const { method } = best;
  let { measured } = best;

  const complaint = (): string | undefined =>
    complaintAbout(measured, accuracies(validation, before, measured.right), { maxDrop, floors, maxError });
  let worst = complaint();
  if (worst !== undefined) {
    const ranked = await rankByError(chosen, onProgress, async (one) => {
      const alone = quantiseParts(source, [one], seen, { method, activations });
      return worstOf(compareAnswers(expected, await collectAnswers(alone, calibration, run)));
    });
    for (const { placed, error } of ranked.slice(0, Math.min(maxExcluded, ranked.length - 1))) {
      const reason = `${worst}; as int8 alone, it makes the outputs differ by ${percent(error)}`;
      excluded.push({ part: placed.part, layer: placed.layer.name, reason });
      onProgress?.({ stage: 'exclude', layer: placed.layer.name, reason });
      chosen = chosen.filter((one) => one !== placed);
      measured = await measure(chosen, method);
      worst = complaint();
      if (worst === undefined) break;
    }
  }
  if (worst !== undefined) {
    const left = excluded.map(({ part, layer }) => `${layer} of ${part}`).join(', ');
    throw new Error(
      `Cannot quantise: ${worst}, with ${excluded.length} of ${all.length} layers left float32${left && ` (${left})`}`,
    );
  }
  return {
    ...measured.parts,
    excluded,
    quantised: chosen.length,
    method,
    calibrationSamples,
    error: measured.error,
    accuracy: accuracies(validation, before, measured.right),
  };
}

const placedLayers = (parts: Parts): PlacedLayer[] =>
  partsOf(parts).flatMap(({ part, graph }) => layersOf(graph).map((layer) => ({ part, layer })));

async function rightAnswers(
  parts: Parts,
  validation: Readonly<Record<string, Dataset>>,
  run: CalibrateOptions,
): Promise<Map<string, number>> {
  const right = new Map<string, number>();
  for (const [task, data] of Object.entries(validation))
    right.set(task, await countRight(parts, task, data, run));
  return right;
}

/** Most damaging first. */
async function rankByError(
  layers: readonly PlacedLayer[],
  onProgress: QuantiseOptions['onProgress'],
  errorOf: (layer: PlacedLayer) => Promise<number>,
): Promise<{ placed: PlacedLayer; error: number }[]> {
  const ranked: { placed: PlacedLayer; error: number }[] = [];
  for (const placed of layers) {
    const error = await errorOf(placed);
    onProgress?.({ stage: 'rank', layer: placed.layer.name, error });
    ranked.push({ placed, error });
  }
  return ranked.sort((a, b) => b.error - a.error);
}

const worstOf = (error: Readonly<Record<string, OutputError>>): number =>
  Math.max(...Object.values(error).map(({ relative }) => relative));
const worstError = ({ error }: Measured): number => worstOf(error);

const total = (right: ReadonlyMap<string, number>): number =>
  [...right.values()].reduce((sum, count) => sum + count, 0);
const byAccuracyThenError = (a: Measured, b: Measured): number =>
  total(b.right) - total(a.right) || worstError(a) - worstError(b);

interface Demands {
  readonly maxDrop: number;
  readonly floors: Readonly<Record<string, number>>;
  readonly maxError: number;
}

/** Whether storing broke a floor, or made worse what was below it before. */
export const isBelowFloor = (
  { before, after }: Pick<QuantisedAccuracy, 'before' | 'after'>,
  floor: number,
): boolean => after < Math.min(floor, before);

export const floorComplaint = (
  task: string,
  { before, after }: Pick<QuantisedAccuracy, 'before' | 'after'>,
  floor: number,
): string =>
  `"${task}" drops from ${percent(before)} to ${percent(after)} accuracy, its floor is ${percent(floor)}`;

/** The first demand that is not met, as a sentence; undefined when all are. */
function complaintAbout(
  { error }: Measured,
  accuracy: Readonly<Record<string, QuantisedAccuracy>>,
  { maxDrop, floors, maxError }: Demands,
): string | undefined {
  for (const [task, { before: was, after }] of Object.entries(accuracy)) {
    if (was - after > maxDrop)
      return `"${task}" drops from ${percent(was)} to ${percent(after)} accuracy, ${percent(maxDrop)} are allowed`;
    const floor = floors[task] ?? 0;
    if (isBelowFloor({ before: was, after }, floor))
      return floorComplaint(task, { before: was, after }, floor);
  }
  for (const [task, { relative }] of Object.entries(error)) {
    if (relative > maxError)
      return `the outputs of "${task}" differ by ${percent(relative)}, ${percent(maxError)} are allowed`;
  }
  return undefined;
}

function accuracies(
  validation: Readonly<Record<string, Dataset>>,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Record<string, QuantisedAccuracy> {
  return Object.fromEntries(
    Object.entries(validation).map(([task, { size }]) => [
      task,
      { before: (before.get(task) ?? 0) / size, after: (after.get(task) ?? 0) / size, samples: size },
    ]),
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
