import { isWhole, matrix, submatrix, type Matrix } from '../linalg/matrix.ts';
import { isFactored, ofInputs, type FactoredGram, type Gram } from './factoredGram.ts';
import { blocksOf, columnsPerChannel, inputsFor, keyOf, type InputBlock, type Network } from './network.ts';
import { single } from './taskSet.ts';
import { valueAt, type Layer } from './topology.ts';

/** What one task's samples look like to a layer: the mean of x x' over samples and output positions. */
export interface TaskGram {
  /** Where the inputs from each block lie among the rows; the constant input 1 of the bias is the last row. */
  readonly inputs: readonly InputBlock[];
  readonly gram: Gram;
}

/**
 * Makes a Gram matrix definite and weighs its task: `weight` times (gram + `damping` times its mean diagonal on the
 * diagonal).
 */
export function damp(gram: Matrix, damping: number, weight: number): Matrix {
  const n = gram.rows;
  const step = n + 1;
  let trace = 0;
  for (let index = 0; index < n * n; index += step) trace += gram.data[index] ?? 0;
  const damped = matrix(n, n);
  for (let index = 0; index < n * n; index += 1) damped.data[index] = weight * (gram.data[index] ?? 0);
  for (let index = 0; index < n * n; index += step)
    damped.data[index] = weight * ((gram.data[index] ?? 0) + (damping * trace) / n);
  return damped;
}

/**
 * A task's Gram matrix at a layer of some network, from that in the task's own order: segment by segment, channel by
 * channel of its own network, the bias last.
 */
export function taskGramIn(network: Network, step: Layer, task: number, own: Gram): TaskGram {
  const inputs = inputsFor(network, step, single(task));
  const columns = ownColumns(network, step, task);
  const order = new Uint32Array(columns.length + 1);
  order.set(columns);
  order[columns.length] = columns.length;
  return { inputs, gram: chosen(own, order) };
}

/** A Gram matrix on some of its inputs; itself where these are all in order. */
function chosen(gram: Gram, inputs: ArrayLike<number>): Gram {
  if (isWhole(inputs, gram.rows)) return gram;
  return isFactored(gram) ? ofInputs(gram, inputs) : submatrix(gram, inputs, inputs);
}

/** For each column that a task reads at a layer of some network, which column of the task's own network it is. */
export function ownColumns(network: Network, step: Layer, task: number): Uint32Array {
  const inputs = inputsFor(network, step, single(task));
  const name = network.tasks[task] ?? '';
  const { segments } = valueAt(network.topology, step.input);
  const starts: number[] = [];
  let start = 0;
  for (const [segment, { group }] of segments.entries()) {
    starts.push(start);
    const width = blocksOf(network, group).reduce(
      (sum, { tasks, sources }) => ((tasks & single(task)) === 0 ? sum : sum + sources.length),
      0,
    );
    start += width * columnsPerChannel(network.topology, step, segment);
  }
  const columns = new Uint32Array(inputs.reduce((sum, input) => sum + input.columns, 0));
  let at = 0;
  for (const { segment, from } of inputs) {
    const wide = columnsPerChannel(network.topology, step, segment);
    const group = segments[segment]?.group ?? -1;
    const block = blocksOf(network, group).find(({ tasks }) => tasks === from);
    for (const source of block?.sources ?? []) {
      const first = (starts[segment] ?? 0) + (source[name] ?? 0) * wide;
      for (let k = 0; k < wide; k += 1) columns[at + k] = first + k;
      at += wide;
    }
  }
  return columns;
}

/**
 * The sum over tasks of their Gram matrices, on the inputs from the given blocks and the bias. A task that does not
 * have a block leaves its rows at zero.
 *
 * @throws {Error} when they are factored and a task does not have a block.
 */
export function gramOfBlocks(grams: readonly TaskGram[], blocks: readonly InputBlock[]): Gram {
  const [first, ...others] = grams.map((each) => placesIn(each, blocks));
  if (first && isFactored(first.gram)) return factoredOfBlocks([first, ...others]);
  // One task that has exactly these blocks: the sum is its own matrix.
  if (
    first &&
    others.length === 0 &&
    isWhole(first.own, first.gram.rows) &&
    isWhole(first.to, first.gram.rows)
  )
    return first.gram;
  const n = blocks.reduce((sum, { columns }) => sum + columns, 1);
  const total = matrix(n, n);
  for (const { gram, own, to } of first ? [first, ...others] : []) {
    if (isFactored(gram)) throw new Error('Cannot add up Gram matrices: only some are factored');
    for (let i = 0; i < to.length; i += 1) {
      const [at, read] = [(to[i] ?? 0) * n, (own[i] ?? 0) * gram.cols];
      for (let j = 0; j < to.length; j += 1) {
        const index = at + (to[j] ?? 0);
        total.data[index] = (total.data[index] ?? 0) + (gram.data[read + (own[j] ?? 0)] ?? 0);
      }
    }
  }
  return total;
}

/** The inputs of some blocks that a task has, the bias last: where they lie in its own matrix, and in the sum. */
interface Places {
  readonly gram: Gram;
  readonly own: Uint32Array;
  readonly to: Uint32Array;
}

function placesIn({ inputs, gram }: TaskGram, blocks: readonly InputBlock[]): Places {
  const starts = new Map<string, number>();
  let start = 0;
  for (const input of inputs) {
    starts.set(keyOf(input), start);
    start += input.columns;
  }
  const places = blocks.reduce((sum, block) => (starts.has(keyOf(block)) ? sum + block.columns : sum), 1);
  const [own, to] = [new Uint32Array(places), new Uint32Array(places)];
  let [at, target] = [0, 0];
  for (const block of blocks) {
    const from = starts.get(keyOf(block));
    for (let k = 0; k < block.columns && from !== undefined; k += 1, at += 1) {
      own[at] = from + k;
      to[at] = target + k;
    }
    target += block.columns;
  }
  own[at] = start;
  to[at] = target;
  return { gram, own, to };
}

function factoredOfBlocks(places: readonly Places[]): FactoredGram {
  const rows = Math.max(...places.map(({ to }) => (to.at(-1) ?? 0) + 1));
  const parts = places.map(({ gram, own, to }) => {
    if (!isFactored(gram)) throw new Error('Cannot add up Gram matrices: only some are factored');
    if (!isWhole(to, rows))
      throw new Error(`Cannot add up factored Gram matrices: a task has ${to.length} of ${rows} inputs`);
    return isWhole(own, gram.rows) ? gram : ofInputs(gram, own);
  });
  return {
    rows,
    factors: parts.flatMap(({ factors }) => factors),
    damping: parts.reduce((sum, { damping }) => sum + damping, 0),
  };
}
