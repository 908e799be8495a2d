import { matrix, submatrix, type Matrix } from '../linalg/matrix.ts';
import {
  blocksOf,
  columnsOf,
  columnsPerChannel,
  inputsFor,
  type InputBlock,
  type Network,
} from './network.ts';
import { single } from './taskSet.ts';
import { valueAt, type Layer } from './topology.ts';

/** What one task's samples look like to a layer: the mean of x x' over samples and output positions. */
export interface TaskGram {
  /** Where the inputs from each block lie among the rows; the constant input 1 of the bias is the last row. */
  readonly inputs: readonly InputBlock[];
  readonly gram: Matrix;
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
  const data = gram.data.map((value, index) => {
    return weight * (index % step === 0 ? value + (damping * trace) / n : value);
  });
  return { rows: n, cols: n, data };
}

/**
 * A task's Gram matrix at a layer of some network, from that in the task's own order: segment by segment, channel by
 * channel of its own network, the bias last.
 */
export function taskGramIn(network: Network, step: Layer, task: number, own: Matrix): TaskGram {
  const inputs = inputsFor(network, step, single(task));
  const order = [...ownColumns(network, step, task, inputs), own.rows - 1];
  return { inputs, gram: submatrix(own, order, order) };
}

/** The Gram matrix that was measured on some network, in the task's own order. */
export function inOwnOrder(network: Network, step: Layer, task: number, measured: Matrix): Matrix {
  const columns = ownColumns(network, step, task, inputsFor(network, step, single(task)));
  const back = new Uint32Array(columns.length + 1);
  columns.forEach((own, index) => (back[own] = index));
  back[columns.length] = columns.length;
  return submatrix(measured, back, back);
}

/** For each column of the given inputs, which column of the task's own network it is. */
function ownColumns(network: Network, step: Layer, task: number, inputs: readonly InputBlock[]): number[] {
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
  return inputs.flatMap(({ segment, from }) => {
    const wide = columnsPerChannel(network.topology, step, segment);
    const group = segments[segment]?.group ?? -1;
    const block = blocksOf(network, group).find(({ tasks }) => tasks === from);
    return (block?.sources ?? []).flatMap((source) => {
      const first = (starts[segment] ?? 0) + (source[name] ?? 0) * wide;
      return Array.from({ length: wide }, (_, k) => first + k);
    });
  });
}

/**
 * The sum over tasks of their Gram matrices, on the inputs from the given blocks and the bias. A task that does not
 * have a block leaves its rows at zero.
 */
export function gramOfBlocks(grams: readonly TaskGram[], blocks: readonly InputBlock[]): Matrix {
  const n = blocks.reduce((sum, { columns }) => sum + columns, 1);
  const total = matrix(n, n);
  const to = [...positions(blocks)];
  for (const { inputs, gram } of grams) {
    const from = positions(inputs);
    // Rows of the total that the task has, and where they lie in its own matrix.
    const rows: number[] = [];
    const own: number[] = [];
    for (const [key, target] of to) {
      const source = from.get(key);
      if (source === undefined) continue;
      rows.push(...target);
      own.push(...source);
    }
    for (let i = 0; i < rows.length; i += 1) {
      const [at, read] = [(rows[i] ?? 0) * n, (own[i] ?? 0) * gram.cols];
      for (let j = 0; j < rows.length; j += 1) {
        const index = at + (rows[j] ?? 0);
        total.data[index] = (total.data[index] ?? 0) + (gram.data[read + (own[j] ?? 0)] ?? 0);
      }
    }
  }
  return total;
}

const bias = 'bias';

/** The rows of each block, and of the bias. */
function positions(blocks: readonly InputBlock[]): Map<string, number[]> {
  const n = blocks.reduce((sum, { columns }) => sum + columns, 0);
  return new Map([...columnsOf(blocks), [bias, [n]]]);
}
