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

export function transpose(of: Matrix): Matrix {
  const result = matrix(of.cols, of.rows);
  for (let i = 0; i < of.rows; i += 1) {
    for (let j = 0; j < of.cols; j += 1) result.data[j * of.rows + i] = at(of, i, j);
  }
  return result;
}

/** The elements where the given rows and columns cross, in the order given. */
export function submatrix(of: Matrix, rows: ArrayLike<number>, cols: ArrayLike<number>): Matrix {
  const result = matrix(rows.length, cols.length);
  for (let i = 0; i < rows.length; i += 1) {
    const from = row(of, rows[i] ?? 0);
    for (let j = 0; j < cols.length; j += 1) result.data[i * cols.length + j] = from[cols[j] ?? 0] ?? 0;
  }
  return result;
}

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
  const sum = a.data.map((value, index) => value + factor * (b.data[index] ?? 0));
  return { rows: a.rows, cols: a.cols, data: sum };
}

/** Sum of products of two vectors of equal length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
