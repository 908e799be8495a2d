/** How one axis is resampled: output `i` is the sum over `k` of `weights[i][k] * input[first[i] + k]`. */
export interface Taps {
  readonly first: readonly number[];
  readonly weights: readonly Float64Array[];
}

export interface Axis {
  /** Samples there are. */
  readonly size: number;
  /** The stretch of them that the whole output covers, in samples. */
  readonly start: number;
  readonly length: number;
  /** Samples the whole output has, and which of them are wanted. */
  readonly outputs: number;
  readonly from: number;
  readonly count: number;
}

/**
 * Samples lie at the centres of unit cells (half-pixel convention). `bilinear` is the triangle filter, as wide as the
 * step when it shrinks, so that every input counts, and as if nothing lay outside: Pillow's `BILINEAR`, ONNX `Resize`
 * with mode linear, `antialias` 1 and `exclude_outside` 1. `nearest` takes the cell that the output's centre falls into.
 */
export function taps(mode: 'nearest' | 'bilinear', axis: Axis): Taps {
  const { size, start, length, outputs, from, count } = axis;
  const step = length / outputs;
  const first: number[] = [];
  const weights: Float64Array[] = [];
  for (let output = from; output < from + count; output++) {
    const centre = start + (output + 0.5) * step;
    if (mode === 'nearest') {
      first.push(Math.min(size - 1, Math.max(0, Math.floor(centre))));
      weights.push(Float64Array.of(1));
      continue;
    }
    const reach = Math.max(step, 1);
    const low = Math.max(0, Math.floor(centre - reach + 0.5));
    const high = Math.max(low + 1, Math.min(size, Math.floor(centre + reach + 0.5)));
    const row = Float64Array.from({ length: high - low }, (_, k) =>
      Math.max(0, 1 - Math.abs((low + k + 0.5 - centre) / reach)),
    );
    const sum = row.reduce((total, weight) => total + weight, 0);
    first.push(low);
    weights.push(row.map((weight) => weight / sum));
  }
  return { first, weights };
}

/** One plane [height, width] to [rows of `down`, columns of `across`], first across, then down, in float64. */
export function resamplePlane(
  plane: Uint8Array | Float32Array,
  width: number,
  across: Taps,
  down: Taps,
): Float64Array {
  const columns = across.first.length;
  const rows = down.first.length;
  const top = Math.min(...down.first);
  const bottom = Math.max(...down.first.map((first, row) => first + (down.weights[row]?.length ?? 0)));
  const between = new Float64Array((bottom - top) * columns);
  for (let x = 0; x < columns; x++) {
    const weights = across.weights[x] ?? none;
    let from = top * width + (across.first[x] ?? 0);
    for (let to = x; to < between.length; to += columns, from += width)
      between[to] = weigh(plane, from, 1, weights);
  }
  const result = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    const weights = down.weights[y] ?? none;
    const start = ((down.first[y] ?? 0) - top) * columns;
    for (let x = 0; x < columns; x++) result[y * columns + x] = weigh(between, start + x, columns, weights);
  }
  return result;
}

const none = new Float64Array();

function weigh(
  values: Uint8Array | Float32Array | Float64Array,
  start: number,
  stride: number,
  weights: Float64Array,
): number {
  let sum = 0;
  for (let k = 0, at = start; k < weights.length; k++, at += stride)
    sum += (values[at] ?? 0) * (weights[k] ?? 0);
  return sum;
}
