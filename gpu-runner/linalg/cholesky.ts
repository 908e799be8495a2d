import { dot, matrix, row, type Matrix } from './matrix.ts';
import { multiply } from './multiply.ts';

/** Columns factored at a time: the rest of the work is one large product a block. */
const blockSize = 64;

/**
 * The lower triangular L with L L' = `a`, for a symmetric positive definite `a` of which only the lower triangle is
 * read. Left-looking by blocks: subtract what the finished columns contribute (one product), factor the diagonal
 * block, solve the rows below it.
 *
 * @throws {RangeError} when `a` is not square or not positive definite.
 */
export async function cholesky(a: Matrix): Promise<Matrix> {
  const n = a.rows;
  if (a.cols !== n) throw new RangeError(`Cannot factor a ${a.rows} x ${a.cols} matrix: it is not square`);
  const l = matrix(n, n);
  for (let start = 0; start < n; start += blockSize) {
    const size = Math.min(blockSize, n - start);
    const panel = region(a, start, n, start, start + size);
    if (start > 0) {
      const done = region(l, start, n, 0, start);
      const product = await multiply(done, matrix(size, start, done.data.subarray(0, size * start)), {
        transposeB: true,
      });
      panel.data.forEach((value, index) => (panel.data[index] = value - (product.data[index] ?? 0)));
    }
    factorPanel(panel, start);
    for (let i = 0; i < panel.rows; i += 1) l.data.set(row(panel, i), (start + i) * n + start);
  }
  return l;
}

/** Turns the top square of `panel` into its Cholesky factor L and the rows x below it into x L'^-1, in place. */
function factorPanel(panel: Matrix, start: number): void {
  const { rows, cols, data } = panel;
  for (let i = 0; i < rows; i += 1) {
    const current = row(panel, i);
    for (let j = 0; j < Math.min(i, cols); j += 1) {
      const other = row(panel, j);
      const rest = (current[j] ?? 0) - dot(current.subarray(0, j), other.subarray(0, j));
      current[j] = rest / (other[j] ?? 0);
    }
    if (i >= cols) continue;
    const done = current.subarray(0, i);
    const pivot = (current[i] ?? 0) - dot(done, done);
    if (!(pivot > 0) || pivot === Infinity) {
      throw new RangeError(
        `Cannot factor a matrix that is not positive definite: pivot ${start + i} is ${pivot.toPrecision(3)}`,
      );
    }
    current[i] = Math.sqrt(pivot);
    data.fill(0, i * cols + i + 1, (i + 1) * cols);
  }
}

/** Rows `top` to `bottom` and columns `left` to `right`, copied. */
export function region(of: Matrix, top: number, bottom: number, left: number, right: number): Matrix {
  const result = matrix(bottom - top, right - left);
  for (let i = top; i < bottom; i += 1) {
    result.data.set(of.data.subarray(i * of.cols + left, i * of.cols + right), (i - top) * result.cols);
  }
  return result;
}

/**
 * The X with L L' X = `b`, all columns of `b` at once.
 *
 * @param l [n, n], what {@link cholesky} returns
 * @param b [n, m]
 * @throws {RangeError} when the sizes do not fit.
 */
export async function choleskySolve(l: Matrix, b: Matrix): Promise<Matrix> {
  const n = l.rows;
  if (b.rows !== n)
    throw new RangeError(`Cannot solve ${n} equations for ${b.rows} rows of right-hand sides`);
  const x = matrix(n, b.cols, b.data.slice());
  for (let start = 0; start < n; start += blockSize) {
    const end = Math.min(start + blockSize, n);
    if (start > 0) subtract(x, start, await multiply(region(l, start, end, 0, start), part(x, 0, start)));
    forward(l, x, start, end);
  }
  for (let end = n; end > 0;) {
    const start = Math.floor((end - 1) / blockSize) * blockSize;
    if (end < n) {
      const below = region(l, end, n, start, end);
      subtract(x, start, await multiply(below, part(x, end, n), { transposeA: true }));
    }
    backward(l, x, start, end);
    end = start;
  }
  return x;
}

/** Rows `start` to `end`, not copied. */
const part = (of: Matrix, start: number, end: number): Matrix =>
  matrix(end - start, of.cols, of.data.subarray(start * of.cols, end * of.cols));

function subtract(from: Matrix, start: number, what: Matrix): void {
  const target = from.data.subarray(start * from.cols, start * from.cols + what.data.length);
  target.forEach((value, index) => (target[index] = value - (what.data[index] ?? 0)));
}

function forward(l: Matrix, x: Matrix, start: number, end: number): void {
  for (let i = start; i < end; i += 1) {
    for (let k = start; k < i; k += 1) subtractRow(x, i, k, l.data[i * l.cols + k] ?? 0);
    divideRow(x, i, l.data[i * l.cols + i] ?? 0);
  }
}

function backward(l: Matrix, x: Matrix, start: number, end: number): void {
  for (let i = end - 1; i >= start; i -= 1) {
    for (let k = i + 1; k < end; k += 1) subtractRow(x, i, k, l.data[k * l.cols + i] ?? 0);
    divideRow(x, i, l.data[i * l.cols + i] ?? 0);
  }
}

function subtractRow(x: Matrix, i: number, k: number, factor: number): void {
  const target = row(x, i);
  const source = row(x, k);
  for (let j = 0; j < target.length; j += 1) target[j] = (target[j] ?? 0) - factor * (source[j] ?? 0);
}

function divideRow(x: Matrix, i: number, by: number): void {
  const target = row(x, i);
  for (let j = 0; j < target.length; j += 1) target[j] = (target[j] ?? 0) / by;
}
