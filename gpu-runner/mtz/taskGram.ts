import { matrix, type Matrix } from '../linalg/matrix.ts';
import type { InputBlock } from './network.ts';
import type { TaskSet } from './taskSet.ts';

/** What one task's samples look like to a layer: the mean of x x' over samples and output positions. */
export interface TaskGram {
  /** Where the inputs from each block below lie among the rows; the constant input 1 of the bias is the last row. */
  readonly inputs: readonly InputBlock[];
  readonly gram: Matrix;
}

/**
 * Makes a task's Gram matrix definite and weighs the task: `weight` times (gram + `damping` times its mean diagonal on
 * the diagonal).
 */
export function damp({ inputs, gram }: TaskGram, damping: number, weight: number): TaskGram {
  const n = gram.rows;
  const step = n + 1;
  let trace = 0;
  for (let index = 0; index < n * n; index += step) trace += gram.data[index] ?? 0;
  const damped = gram.data.map((value, index) => {
    return weight * (index % step === 0 ? value + (damping * trace) / n : value);
  });
  return { inputs, gram: { rows: n, cols: n, data: damped } };
}

/**
 * The sum over tasks of their Gram matrices, on the inputs from the given blocks and the bias. A task that does not
 * have a block leaves its rows at zero.
 */
export function gramOfBlocks(grams: readonly TaskGram[], blocks: readonly InputBlock[]): Matrix {
  const n = blocks.reduce((sum, { columns }) => sum + columns, 1);
  const total = matrix(n, n);
  for (const { inputs, gram } of grams) {
    const from = positions(inputs);
    const to = positions(blocks);
    // Rows of the total that the task has, and where they lie in its own matrix.
    const pairs = [...to].flatMap(([tasks, target]) => {
      const source = from.get(tasks);
      return source === undefined ? [] : target.map((row, k) => ({ row, own: source[k] ?? 0 }));
    });
    for (const { row, own } of pairs) {
      for (const other of pairs) {
        const at = row * n + other.row;
        total.data[at] = (total.data[at] ?? 0) + (gram.data[own * gram.cols + other.own] ?? 0);
      }
    }
  }
  return total;
}

/** The rows of each block, by its task set; of the bias, by the empty set. */
function positions(blocks: readonly InputBlock[]): Map<TaskSet, number[]> {
  let start = 0;
  const rows = new Map<TaskSet, number[]>();
  for (const { tasks, columns } of [...blocks, { tasks: 0, columns: 1 }]) {
    rows.set(
      tasks,
      Array.from({ length: columns }, (_, k) => start + k),
    );
    start += columns;
  }
  return rows;
}
