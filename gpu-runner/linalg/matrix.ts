/** A dense float64 matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  /** [rows * cols] */
  readonly data: Float64Array;
}

/**
 * A matrix over `data`, or of zeros.
 *
 * @throws {RangeError} when the sizes are not whole numbers or `data` has another length than they say.
 */
export function matrix(rows: number, cols: number, data?: Float64Array | readonly number[]): Matrix {
  if (!Number.isSafeInteger(rows) || !Number.isSafeInteger(cols) || rows < 0 || cols < 0) {
    throw new RangeError(`Cannot make a ${rows} x ${cols} matrix`);
  }
  if (data === undefined) return { rows, cols, data: new Float64Array(rows * cols) };
  if (data.length !== rows * cols) {
    throw new RangeError(`Cannot make a ${rows} x ${cols} matrix of ${data.length} values`);
  }
  return { rows, cols, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

/** Row `index` itself, not a copy. */
export function row(of: Matrix, index: number): Float64Array {
  return of.data.subarray(index * of.cols, (index + 1) * of.cols);
}

/** Element [i, j]; zero outside the matrix. */
export const at = (of: Matrix, i: number, j: number): number => of.data[i * of.cols + j] ?? 0;

/** Side of the squares that are transposed one after the other, so that both sides of a large matrix stay in cache. */
const tile = 32;

export function transpose(of: Matrix): Matrix {
  const { rows, cols, data } = of;
  const result = matrix(cols, rows);
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let left = 0; left < cols; left += tile) {
      const right = Math.min(left + tile, cols);
      for (let i = top; i < bottom; i += 1) {
        for (let j = left; j < right; j += 1) result.data[j * rows + i] = data[i * cols + j] ?? 0;
      }
    }
  }
  return result;
}

/** Whether indices are 0, 1, 2, ... up to `length`: what they choose is all there is, in order. */
export function isWhole(indices: ArrayLike<number>, length: number): boolean {
  if (indices.length !== length) return false;
  for (let k = 0; k < length; k += 1) if (indices[k] !== k) return false;
  return true;
}

/** The elements where the given rows and columns cross, in the order given. */
export function submatrix(of: Matrix, rows: ArrayLike<number>, cols: ArrayLike<number>): Matrix {
  if (isWhole(cols, of.cols)) return selectRows(of, rows);
  const result = matrix(rows.length, cols.length);
  const from = Uint32Array.from(cols);
  for (let i = 0; i < rows.length; i += 1) {
    const start = (rows[i] ?? 0) * of.cols;
    const to = i * from.length;
    for (let j = 0; j < from.length; j += 1) result.data[to + j] = of.data[start + (from[j] ?? 0)] ?? 0;
  }
  return result;
}

/** Columns of all rows, in the order given. */
export const selectColumns = (of: Matrix, cols: ArrayLike<number>): Matrix =>
  submatrix(
    of,
    Uint32Array.from({ length: of.rows }, (_, row) => row),
    cols,
  );

/**
 * Rows `top` to `bottom` and columns `left` to `right`, copied.
 *
 * @param space what to copy into; new memory when left out
 */
export function region(
  of: Matrix,
  top: number,
  bottom: number,
  left: number,
  right: number,
  space?: Float64Array,
): Matrix {
  const size = (bottom - top) * (right - left);
  const result = matrix(bottom - top, right - left, space?.subarray(0, size));
  for (let i = top; i < bottom; i += 1) {
    result.data.set(of.data.subarray(i * of.cols + left, i * of.cols + right), (i - top) * result.cols);
  }
  return result;
}

/** Rows `start` to `end`, not copied. */
export const rowsBetween = (of: Matrix, start: number, end: number): Matrix =>
  matrix(end - start, of.cols, of.data.subarray(start * of.cols, end * of.cols));

export function selectRows(of: Matrix, rows: ArrayLike<number>): Matrix {
  const result = matrix(rows.length, of.cols);
  for (let i = 0; i < rows.length; i += 1) result.data.set(row(of, rows[i] ?? 0), i * of.cols);
  return result;
}

/** Matrices of equal height side by side. */
export function beside(parts: readonly Matrix[], rows: number): Matrix {
  const cols = parts.reduce((sum, part) => sum + part.cols, 0);
  const result = matrix(rows, cols);
  let start = 0;
  for (const part of parts) {
    if (part.rows !== rows) throw new RangeError(`Cannot put ${part.rows} rows beside ${rows}`);
    for (let i = 0; i < rows; i += 1) result.data.set(row(part, i), i * cols + start);
    start += part.cols;
  }
  return result;
}

/** a + factor * b, element by element. */
export function plus(a: Matrix, b: Matrix, factor = 1): Matrix {
  if (a.rows !== b.rows || a.cols !== b.cols) {
    throw new RangeError(`Cannot add a ${b.rows} x ${b.cols} matrix to a ${a.rows} x ${a.cols} one`);
  }
  const sum = matrix(a.rows, a.cols);
  for (let k = 0; k < sum.data.length; k += 1) sum.data[k] = (a.data[k] ?? 0) + factor * (b.data[k] ?? 0);
  return sum;
}

/** Sum of products of two vectors of equal length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
