/**
 * Convolution and pooling in float64 by their definitions, one loop an index, for any number of spatial axes. Shares
 * nothing with the rules under test.
 */
import type { Array64 } from '../gradientCheck.ts';
import { ints, int, string, type Attribute } from '../../../../gpu-runner/onnx/graph.ts';

export interface Sliding {
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** All before, then all after. */
  readonly pads?: readonly number[];
  readonly autoPad?: 'VALID' | 'SAME_UPPER' | 'SAME_LOWER';
  readonly ceil?: boolean;
}

export const attributesOf = (sliding: Sliding): Record<string, Attribute> => ({
  kernel_shape: ints(sliding.kernel),
  ...(sliding.strides && { strides: ints(sliding.strides) }),
  ...(sliding.dilations && { dilations: ints(sliding.dilations) }),
  ...(sliding.pads && { pads: ints(sliding.pads) }),
  ...(sliding.autoPad && { auto_pad: string(sliding.autoPad) }),
  ...(sliding.ceil && { ceil_mode: int(1) }),
});

interface Axis {
  readonly size: number;
  readonly places: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

export function axesOf(sliding: Sliding, sizes: readonly number[]): Axis[] {
  const rank = sizes.length;
  return sizes.map((size, at) => {
    const kernel = sliding.kernel[at] ?? NaN;
    const stride = sliding.strides?.[at] ?? 1;
    const dilation = sliding.dilations?.[at] ?? 1;
    const reach = dilation * (kernel - 1) + 1;
    if (sliding.autoPad === 'SAME_UPPER' || sliding.autoPad === 'SAME_LOWER') {
      const places = Math.ceil(size / stride);
      const needed = Math.max(0, (places - 1) * stride + reach - size);
      const less = Math.floor(needed / 2);
      const before = sliding.autoPad === 'SAME_UPPER' ? less : needed - less;
      return { size, places, kernel, stride, dilation, before, after: needed - before };
    }
    const before = sliding.pads?.[at] ?? 0;
    const after = sliding.pads?.[at + rank] ?? 0;
    let places = 0;
    // Every start whose window fits; with ceil_mode also the next, if it begins before the padding behind.
    while (places * stride + reach <= size + before + after) places += 1;
    const left = size + before + after - ((places - 1) * stride + reach);
    if (sliding.ceil === true && left > 0 && places * stride < size + before) places += 1;
    return { size, places, kernel, stride, dilation, before, after };
  });
}

/** All index vectors of a box, row-major. */
function* box(sizes: readonly number[]): Generator<number[]> {
  const total = sizes.reduce((product, size) => product * size, 1);
  for (let flat = 0; flat < total; flat += 1) {
    const index: number[] = [];
    let rest = flat;
    for (const size of sizes.toReversed()) {
      index.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    yield index;
  }
}

const ravel = (index: readonly number[], sizes: readonly number[]): number =>
  index.reduce((flat, at, axis) => flat * (sizes[axis] ?? NaN) + at, 0);

interface Visit {
  readonly place: number;
  readonly tap: number;
  /** Flat index into the input's spatial axes; null in the padding. */
  readonly from: number | null;
  /** Whether the tap lies on the input or on the padding asked for: not beyond, where ceil_mode reaches. */
  readonly counts: boolean;
}

function visits(axes: readonly Axis[]): Visit[] {
  const found: Visit[] = [];
  const [places, kernel, sizes] = [
    axes.map((a) => a.places),
    axes.map((a) => a.kernel),
    axes.map((a) => a.size),
  ];
  for (const place of box(places)) {
    for (const tap of box(kernel)) {
      const at = axes.map(
        (a, axis) => (place[axis] ?? 0) * a.stride + (tap[axis] ?? 0) * a.dilation - a.before,
      );
      const inside = at.every((position, axis) => position >= 0 && position < (sizes[axis] ?? 0));
      const counts = axes.every((a, axis) => (at[axis] ?? 0) < a.size + a.after);
      found.push({
        place: ravel(place, places),
        tap: ravel(tap, kernel),
        from: inside ? ravel(at, sizes) : null,
        counts,
      });
    }
  }
  return found;
}

const volume = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);

/** Calls `each` with flat indices of y, x and w for every multiplication of the convolution. */
function multiplications(
  xDims: readonly number[],
  wDims: readonly number[],
  sliding: Sliding,
  group: number,
  each: (y: number, x: number, w: number) => void,
): number[] {
  const [batch = 0, channels = 0, ...sizes] = xDims;
  const [out = 0, perGroup = 0] = wDims;
  const axes = axesOf(sliding, sizes);
  const places = axes.map((axis) => axis.places);
  const [inputs, outputs, taps] = [volume(sizes), volume(places), volume(sliding.kernel)];
  const seen = visits(axes);
  for (let n = 0; n < batch; n += 1) {
    for (let m = 0; m < out; m += 1) {
      const first = Math.floor(m / (out / group)) * perGroup;
      for (let c = 0; c < perGroup; c += 1) {
        for (const { place, tap, from } of seen) {
          if (from === null) continue;
          each(
            (n * out + m) * outputs + place,
            (n * channels + first + c) * inputs + from,
            (m * perGroup + c) * taps + tap,
          );
        }
      }
    }
  }
  return [batch, out, ...places];
}

const read = (data: Float64Array, index: number): number => data[index] ?? NaN;

function bump(data: Float64Array, index: number, by: number): void {
  data[index] = read(data, index) + by;
}

export function convolve(
  x: Array64,
  w: Array64,
  b: Array64 | undefined,
  sliding: Sliding,
  group = 1,
): Array64 {
  const dims = multiplications(x.dims, w.dims, sliding, group, () => undefined);
  const [, out = 1, ...places] = dims;
  const data = Float64Array.from({ length: volume(dims) }, (_, index) =>
    b ? read(b.data, Math.floor(index / volume(places)) % out) : 0,
  );
  multiplications(x.dims, w.dims, sliding, group, (y, from, by) => {
    bump(data, y, read(x.data, from) * read(w.data, by));
  });
  return { dims, data };
}

/** The exact derivatives of sum(dy * convolve(x, w, b)). */
export function convolveAdjoint(
  x: Array64,
  w: Array64,
  dy: Array64,
  sliding: Sliding,
  group = 1,
): { x: Float64Array; w: Float64Array; b: Float64Array } {
  const dx = new Float64Array(x.data.length);
  const dw = new Float64Array(w.data.length);
  multiplications(x.dims, w.dims, sliding, group, (y, from, by) => {
    bump(dx, from, read(dy.data, y) * read(w.data, by));
    bump(dw, by, read(dy.data, y) * read(x.data, from));
  });
  const [, out = 1, ...places] = dy.dims;
  const db = new Float64Array(out);
  dy.data.forEach((value, index) => {
    bump(db, Math.floor(index / volume(places)) % out, value);
  });
  return { x: dx, w: dw, b: db };
}

function pool(x: Array64, sliding: Sliding, reduce: (values: number[], counted: number) => number): Array64 {
  const [batch = 0, channels = 0, ...sizes] = x.dims;
  const axes = axesOf(sliding, sizes);
  const places = axes.map((axis) => axis.places);
  const [inputs, outputs] = [volume(sizes), volume(places)];
  const windows = Array.from({ length: outputs }, () => ({ from: [] as number[], counted: 0 }));
  for (const { place, from, counts } of visits(axes)) {
    const window = windows[place];
    if (!window) continue;
    if (from !== null) window.from.push(from);
    if (counts) window.counted += 1;
  }
  const images = Array.from({ length: batch * channels }, (_, image) =>
    windows.map(({ from, counted }) =>
      reduce(
        from.map((at) => read(x.data, image * inputs + at)),
        counted,
      ),
    ),
  );
  return { dims: [batch, channels, ...places], data: Float64Array.from(images.flat()) };
}

export const maximumPool = (x: Array64, sliding: Sliding): Array64 =>
  pool(x, sliding, (values) => Math.max(...values));

export const meanPool = (x: Array64, sliding: Sliding, countPads: boolean): Array64 =>
  pool(
    x,
    sliding,
    (values, counted) =>
      values.reduce((sum, value) => sum + value, 0) / (countPads ? counted : values.length),
  );
