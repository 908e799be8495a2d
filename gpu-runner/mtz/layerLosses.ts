import { cholesky } from '../linalg/cholesky.ts';
import { beside, dot, matrix, region, row, selectColumns, submatrix, type Matrix } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { diagonalBlock, isFactored, responses, type Gram } from './factoredGram.ts';
import { factoredLosses } from './factoredLosses.ts';
import { rowsOf, widthOf, type Network, type Part } from './network.ts';
import type { Pairing } from './pairing.ts';
import { solving } from './solving.ts';
import type { StepGram } from './stepGrams.ts';
import type { Pairings } from './survey.ts';
import { taskGramIn } from './taskGram.ts';
import { single } from './taskSet.ts';
import { inputGroup, valueAt, type Layer } from './topology.ts';

/** What a layer of untouched networks would lose with some of what it reads. */
export interface LayerLosses {
  /** Half of what its output varies by, summed over its channels and the weighed tasks: the unit of its losses. */
  readonly spread: number;
  /** By segment of what it reads. */
  readonly inputs: readonly InputLosses[];
}

/** Parts of a layer's spread. By number of shared pairs of the segment's group, the cheapest being shared first. */
export interface InputLosses {
  /** How much of what the layer makes of its inputs it makes of these: 0 to 1. */
  readonly weight: number;
  /** What is lost without the shared channels, all others making up for them; empty where nothing can be shared. */
  readonly withoutShared: readonly number[];
  /** What is lost without the channels that stay apart, all others making up for them; empty where all are read. */
  readonly withoutOwn: readonly number[];
}

/**
 * @param network untouched
 * @param grams of the layer, by task
 * @param pairings of the groups that it reads
 */
export async function layerLosses(
  network: Network,
  step: Layer,
  grams: readonly StepGram[],
  pairings: Pairings,
): Promise<LayerLosses> {
  const tasks = grams.flatMap((gram, task) => taskOf(network, step, task, gram) ?? []);
  let spread = 0;
  for (const each of tasks) spread += await spreadOf(each);
  const { segments } = valueAt(network.topology, step.input);
  const energies: number[] = [];
  for (const segment of segments.keys()) {
    let energy = 0;
    for (const each of tasks) energy += segments.length === 1 ? 1 : await energyOf(each, segment);
    energies.push(energy);
  }
  const energy = energies.reduce((sum, each) => sum + each, 0);
  const inputs: InputLosses[] = [];
  for (const [segment, { group }] of segments.entries()) {
    const order = orderOf(network, group, pairings.get(group));
    const lost = async (isLost: 'shared' | 'own'): Promise<number[]> => {
      const total = Array<number>(order.pairs + 1).fill(0);
      for (const each of tasks) {
        const channels = order.channels[each.task] ?? [];
        const losses = await solving(network, step, single(each.task), grams, () =>
          lossesOf(each, segment, channels, isLost),
        );
        for (const k of total.keys()) total[k] = (total[k] ?? 0) + (losses[k] ?? 0) / (spread || 1);
      }
      return total;
    };
    inputs.push({
      weight: (energies[segment] ?? 0) / (energy || 1),
      // A prefix shares all channels of a group or none.
      withoutShared: network.wiring === 'prefix' || order.pairs === 0 ? [] : await lost('shared'),
      withoutOwn: network.wiring !== 'one-way' || group === inputGroup ? [] : await lost('own'),
    });
  }
  return { spread, inputs };
}

/** A layer of one task: its incoming weights, and where the columns of each segment begin. */
interface TaskLayer {
  readonly task: number;
  readonly gram: Gram;
  /** [output channels, columns], the bias last. */
  readonly weight: Matrix;
  readonly segments: ReadonlyMap<number, { readonly start: number; readonly columns: number }>;
}

function taskOf(network: Network, step: Layer, task: number, gram: StepGram): TaskLayer | undefined {
  const part = ownPart(network, step, task);
  if (gram.kind !== 'layer' || !part?.bias) return undefined;
  const placed = taskGramIn(network, step, task, gram.gram);
  const bias = matrix(part.weight.rows, 1, part.bias);
  const segments = new Map<number, { start: number; columns: number }>();
  let start = 0;
  for (const { segment, columns } of placed.inputs) {
    segments.set(segment, { start, columns });
    start += columns;
  }
  return { task, gram: placed.gram, weight: beside([part.weight, bias], part.weight.rows), segments };
}

const ownPart = (network: Network, step: Layer, task: number): Part | undefined =>
  rowsOf(network, step).find(({ tasks }) => tasks === single(task))?.parts[0];

/** Half the variance of what the layer puts out, summed over channels: w'Hw less what the mean has of it. */
async function spreadOf({ gram, weight }: TaskLayer): Promise<number> {
  const last = weight.cols - 1;
  let spread = 0;
  if (isFactored(gram)) {
    const made = await responses(gram.factors, weight);
    const ones = Float64Array.from(gram.factors.flatMap((factor) => [...column(factor, last)]));
    for (let channel = 0; channel < weight.rows; channel += 1) {
      const own = column(made, channel);
      spread += (dot(own, own) - dot(own, ones) ** 2 / dot(ones, ones)) / 2;
    }
    return spread;
  }
  const through = await multiply(weight, gram);
  const one = gram.data[gram.data.length - 1] ?? 1;
  for (let channel = 0; channel < weight.rows; channel += 1) {
    const own = row(through, channel);
    spread += (dot(own, row(weight, channel)) - (own[last] ?? 0) ** 2 / one) / 2;
  }
  return spread;
}

const column = (of: Matrix, index: number): Float64Array =>
  Float64Array.from({ length: of.rows }, (_, i) => of.data[i * of.cols + index] ?? 0);

/** What a layer makes of one segment alone, squared. */
async function energyOf({ gram, weight, segments }: TaskLayer, segment: number): Promise<number> {
  const { start, columns } = segments.get(segment) ?? { start: 0, columns: 0 };
  return squareOf(gram, weight, start, start + columns);
}

/** w'Hw of columns [start, end), summed over channels. */
async function squareOf(gram: Gram, weight: Matrix, start: number, end: number): Promise<number> {
  const own = region(weight, 0, weight.rows, start, end);
  const products = await multiply(own, own, { transposeA: true });
  return dot(products.data, (await diagonalBlock(gram, start, end)).data);
}

/**
 * What a task's layer loses when k pairs of a segment are shared and all shared channels, or all others, are gone. With
 * those that go last and H = L L', half the square of their numbers in L'w is what is lost when the others make up for them
 * (the last block of a Cholesky factor is that of the Schur complement: Golub & Van Loan 2013, section 4.2): one factor has
 * the losses for every k. A factored Gram matrix has them as `factoredLosses` says.
 *
 * @param order the segment's channels, those that are shared first coming first
 */
async function lossesOf(
  { gram, weight, segments }: TaskLayer,
  segment: number,
  order: readonly number[],
  isLost: 'shared' | 'own',
): Promise<number[]> {
  const { start, columns } = segments.get(segment) ?? { start: 0, columns: 0 };
  const wide = columns / Math.max(1, order.length);
  const gone = isLost === 'own' ? order : order.toReversed();
  if (isFactored(gram)) {
    const columnsOf = gone.map((channel) => span(start + channel * wide, wide));
    const losses = await factoredLosses(gram, weight, columnsOf);
    return isLost === 'own' ? losses : losses.toReversed();
  }
  const losses = await channelLosses(gram, weight, start, wide, gone);
  // Those that come later are gone already.
  let sum = 0;
  const fromEnd = [0, ...losses.toReversed().map((loss) => (sum += loss))];
  return isLost === 'own' ? fromEnd.toReversed() : fromEnd;
}

/** What is lost with each channel once all after it are gone. */
async function channelLosses(
  gram: Matrix,
  weight: Matrix,
  start: number,
  wide: number,
  order: readonly number[],
): Promise<number[]> {
  const last = order.flatMap((channel) => span(start + channel * wide, wide));
  const columns = last.length;
  const n = gram.rows;
  const sorted = [...span(0, start), ...span(start + columns, n - start - columns), ...last];
  const factor = await cholesky(submatrix(gram, sorted, sorted));
  const ends = region(factor, n - columns, n, n - columns, n);
  const rest = await multiply(selectColumns(weight, last), ends);
  const losses = Array<number>(order.length).fill(0);
  for (const [index, value] of rest.data.entries()) {
    const at = Math.floor((index % columns) / wide);
    losses[at] = (losses[at] ?? 0) + value ** 2 / 2;
  }
  return losses;
}

const span = (start: number, length: number): number[] => Array.from({ length }, (_, k) => start + k);

/** Every task's channels of a group, those of the cheapest pair first and those without a pair last. */
function orderOf(
  network: Network,
  group: number,
  pairing: Pairing | undefined,
): { pairs: number; channels: readonly (readonly number[])[] } {
  const shared = pairing ? sharedFirst(pairing) : [];
  const channels = network.tasks.map((_, task) => {
    const paired = shared.map((of) => of[task] ?? -1);
    const known = new Set(paired);
    return [...paired, ...span(0, widthOf(network, group, task)).filter((each) => !known.has(each))];
  });
  return { pairs: shared.length, channels };
}

/** Of each pair, the cheapest first, each task's own channel. */
function sharedFirst({ formings, costs }: Pairing): (readonly number[])[] {
  let sources: number[][] = [];
  for (const { pairs } of formings)
    sources = pairs.map(({ a, b }) => [...(sources.length === 0 ? [a] : (sources[a] ?? [])), b]);
  const order = [...costs.keys()].sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0));
  return order.map((index) => sources[index] ?? []);
}
