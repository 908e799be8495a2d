import { breathe } from './breathe.ts';
import { IndefiniteError } from './indefiniteError.ts';
import { at, matrix, region, row, rowsBetween, transpose, type Matrix } from './matrix.ts';
import { multiply } from './multiply.ts';

/** Columns factored at a time: the rest of the work is one large product a block. */
const blockSize = 64;

/**
 * The lower triangular L with L L' = `a`, for a symmetric positive definite `a` of which only the lower triangle is
 * read. Left-looking by blocks: subtract what the finished columns contribute (one product), factor the diagonal
 * block, solve the rows below it.
 *
 * @throws {RangeError} when `a` is not square.
 * @throws {IndefiniteError} when it is not positive definite.
 */
export async function cholesky(a: Matrix): Promise<Matrix> {
  const n = a.rows;
  if (a.cols !== n) throw new RangeError(`Cannot factor a ${a.rows} x ${a.cols} matrix: it is not square`);
  const l = matrix(n, n);
  // The finished columns below a block lie here for its product: never more than a quarter of the matrix.
  const space = new Float64Array(Math.ceil(n / 2) * Math.ceil(n / 2));
  for (let start = 0; start < n; start += blockSize) {
    await breathe();
    const size = Math.min(blockSize, n - start);
    const panel = region(a, start, n, start, start + size);
    if (start > 0) {
      const done = region(l, start, n, 0, start, space);
      const { data } = await multiply(done, rowsBetween(done, 0, size), { transposeB: true });
      subtract(panel.data, data);
    }
    factorPanel(panel, start, n);
    for (let i = 0; i < panel.rows; i += 1) l.data.set(row(panel, i), (start + i) * n + start);
  }
  return l;
}

/** Turns the top square of `panel` into its Cholesky factor L and the rows x below it into x L'^-1, in place. */
function factorPanel({ rows, cols, data }: Matrix, start: number, n: number): void {
  const top = Math.min(rows, cols);
  for (let i = 0; i < top; i += 1) {
    solveRow(data, cols, i, i);
    const at = i * cols;
    let square = 0;
    for (let k = 0; k < i; k += 1) square += (data[at + k] ?? 0) * (data[at + k] ?? 0);
    const pivot = (data[at + i] ?? 0) - square;
    if (!(pivot > 0) || pivot === Infinity) {
      throw new IndefiniteError(
        `Cannot factor a matrix that is not positive definite: pivot ${start + i} is ${pivot.toPrecision(3)}`,
        { pivot: start + i, size: n, value: pivot },
      );
    }
    data[at + i] = Math.sqrt(pivot);
    data.fill(0, at + i + 1, at + cols);
  }
  let i = top;
  for (; i + 4 <= rows; i += 4) solveFourRows(data, cols, i);
  for (; i < rows; i += 1) solveRow(data, cols, i, cols);
}

/** Row `i` becomes x L'^-1 in its first `count` columns, L the rows above. */
function solveRow(data: Float64Array, cols: number, i: number, count: number): void {
  const at = i * cols;
  for (let j = 0; j < count; j += 1) {
    const other = j * cols;
    let sum = 0;
    for (let k = 0; k < j; k += 1) sum += (data[at + k] ?? 0) * (data[other + k] ?? 0);
    data[at + j] = ((data[at + j] ?? 0) - sum) / (data[other + j] ?? 0);
  }
}

/** The same for rows `i` to `i + 3` in all columns: four sums at once keep the processor busy. */
function solveFourRows(data: Float64Array, cols: number, i: number): void {
  const [a, b, c, d] = [i * cols, (i + 1) * cols, (i + 2) * cols, (i + 3) * cols];
  for (let j = 0; j < cols; j += 1) {
    const other = j * cols;
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let k = 0; k < j; k += 1) {
      const factor = data[other + k] ?? 0;
      sumA += (data[a + k] ?? 0) * factor;
      sumB += (data[b + k] ?? 0) * factor;
      sumC += (data[c + k] ?? 0) * factor;
      sumD += (data[d + k] ?? 0) * factor;
    }
    const diagonal = data[other + j] ?? 0;
    data[a + j] = ((data[a + j] ?? 0) - sumA) / diagonal;
    data[b + j] = ((data[b + j] ?? 0) - sumB) / diagonal;
    data[c + j] = ((data[c + j] ?? 0) - sumC) / diagonal;
    data[d + j] = ((data[d + j] ?? 0) - sumD) / diagonal;
  }
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
    await breathe();
    const end = Math.min(start + blockSize, n);
    const rows = rowsBetween(x, start, end);
    if (start > 0)
      subtract(rows.data, (await multiply(region(l, start, end, 0, start), rowsBetween(x, 0, start))).data);
    forward(region(l, start, end, start, end), rows);
  }
  for (let end = n; end > 0;) {
    await breathe();
    const start = Math.floor((end - 1) / blockSize) * blockSize;
    const rows = rowsBetween(x, start, end);
    if (end < n) {
      const below = region(l, end, n, start, end);
      subtract(rows.data, (await multiply(below, rowsBetween(x, end, n), { transposeA: true })).data);
    }
    backward(region(l, start, end, start, end), rows);
    end = start;
  }
  return x;
}

function subtract(from: Float64Array, what: Float64Array): void {
  for (let k = 0; k < from.length; k += 1) from[k] = (from[k] ?? 0) - (what[k] ?? 0);
}

/** Columns of right-hand sides solved at a time, so that a block's rows of them stay in cache. */
const stripWidth = 256;

/** `x` becomes L^-1 x for a small L. */
function forward(l: Matrix, x: Matrix): void {
  for (let left = 0; left < x.cols; left += stripWidth) {
    const right = Math.min(left + stripWidth, x.cols);
    for (let i = 0; i < l.rows; i += 1) {
      subtractRows(x, i, 0, row(l, i).subarray(0, i), left, right);
      divideRow(x, i, at(l, i, i), left, right);
    }
  }
}

/** `x` becomes L'^-1 x for a small L. */
function backward(l: Matrix, x: Matrix): void {
  const upper = transpose(l);
  for (let left = 0; left < x.cols; left += stripWidth) {
    const right = Math.min(left + stripWidth, x.cols);
    for (let i = l.rows - 1; i >= 0; i -= 1) {
      subtractRows(x, i, i + 1, row(upper, i).subarray(i + 1), left, right);
      divideRow(x, i, at(l, i, i), left, right);
    }
  }
}

/** From row `i` the rows from `first` on, one a factor, one after the other; four in one pass over the memory. */
function subtractRows(
  { cols, data }: Matrix,
  i: number,
  first: number,
  factors: Float64Array,
  left: number,
  right: number,
): void {
  const [start, end] = [i * cols + left, i * cols + right];
  let k = 0;
  for (; k + 4 <= factors.length; k += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = factors.subarray(k, k + 4);
    let from = (first + k) * cols + left;
    for (let j = start; j < end; j += 1, from += 1) {
      data[j] =
        (data[j] ?? 0) -
        a * (data[from] ?? 0) -
        b * (data[from + cols] ?? 0) -
        c * (data[from + 2 * cols] ?? 0) -
        d * (data[from + 3 * cols] ?? 0);
    }
  }
  for (; k < factors.length; k += 1) {
    const factor = factors[k] ?? 0;
    let from = (first + k) * cols + left;
    for (let j = start; j < end; j += 1, from += 1) data[j] = (data[j] ?? 0) - factor * (data[from] ?? 0);
  }
}

function divideRow({ cols, data }: Matrix, i: number, by: number, left: number, right: number): void {
  for (let j = i * cols + left; j < i * cols + right; j += 1) data[j] = (data[j] ?? 0) / by;
}
