/** What a Cholesky factorisation met instead of a positive pivot. */
export interface Pivot {
  readonly pivot: number;
  readonly size: number;
  /** NaN or infinite where the matrix holds such numbers. */
  readonly value: number;
}

/** A matrix that should be positive definite is not. */
export class IndefiniteError extends RangeError implements Pivot {
  readonly pivot: number;
  readonly size: number;
  readonly value: number;

  constructor(message: string, { pivot, size, value }: Pivot) {
    super(message);
    this.name = 'IndefiniteError';
    this.pivot = pivot;
    this.size = size;
    this.value = value;
  }
}
