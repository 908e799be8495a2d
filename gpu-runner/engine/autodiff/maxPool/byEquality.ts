import type { Emitter } from '../../emitter.ts';
import { take, taps, type Window } from '../windows.ts';

/**
 * The gradient of MaxPool without indices: each tap's slice of x is compared with the output y, and the first tap that
 * equals it takes what is left of dy.
 *
 * x [batch, channels, ...input]; y, dy [batch, channels, ...output]; returns the dims of x.
 */
export function maxPoolByEquality(
  emit: Emitter,
  x: string,
  y: string,
  dy: string,
  windows: readonly Window[],
): string {
  const zero = emit.scalar(0, dy);
  const lowest = emit.scalar(-Infinity, x);
  let left = dy;
  const parts = taps(windows).map((offsets) => {
    const ranges = windows.map((window, axis) => ({
      axis: axis + 2,
      start: (offsets[axis] ?? 0) * window.dilation - window.before,
      count: window.output,
      step: window.stride,
    }));
    const isMaximum = emit.op('Equal', [take(emit, x, ranges, lowest), y]);
    const part = emit.op('Where', [isMaximum, left, zero]);
    left = emit.op('Where', [isMaximum, zero, left]);
    return part;
  });
  return overlapAdd(emit, parts, windows, 2);
}

/** Puts every tap's values [..., output, ...] back where the tap read them, and adds what meets: [..., input, ...]. */
function overlapAdd(
  emit: Emitter,
  parts: readonly string[],
  windows: readonly Window[],
  axis: number,
): string {
  const [window, ...inner] = windows;
  const [only] = parts;
  if (only === undefined) throw new Error('Cannot add the parts of a window: it has no taps');
  if (!window) return only;
  const perTap = parts.length / window.kernel;
  const placed = Array.from({ length: window.kernel }, (_, tap) => {
    const row = overlapAdd(emit, parts.slice(tap * perTap, (tap + 1) * perTap), inner, axis + 1);
    const start = window.before - tap * window.dilation;
    return take(emit, spread(emit, row, axis, window.stride), [{ axis, start, count: window.input }]);
  });
  return placed.reduce((sum, part) => emit.add(sum, part));
}

/** `stride` - 1 zeros after every element along an axis. */
function spread(emit: Emitter, value: string, axis: number, stride: number): string {
  if (stride === 1) return value;
  const dims = emit.dims(value);
  const [front, size = 1, back] = [dims.slice(0, axis), dims[axis], dims.slice(axis + 1)];
  const apart = emit.reshape(value, [...front, size, 1, ...back]);
  const filled = take(emit, apart, [{ axis: axis + 1, start: 0, count: stride }]);
  return emit.reshape(filled, [...front, size * stride, ...back]);
}
