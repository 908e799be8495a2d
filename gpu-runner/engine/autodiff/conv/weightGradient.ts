import { elementCount } from '../../../../shared/tensor.ts';
import type { Emitter } from '../../emitter.ts';
import { take, tapCount, taps, type Window } from '../windows.ts';
import { prefersPatches, weightGradientByPatches } from './weightGradientByPatches.ts';

/**
 * The derivative by a convolution's weight, [out, channels / group, ...kernel], of x [batch, channels, ...input] and
 * dy [batch, out, ...output]: for every tap the product of the gradient with the input that tap read, summed over
 * positions. Each is a MatMul a sample over shifted copies.
 *
 * Copies are what it costs, so with stride 1 the first axis may be shifted on the gradient instead of the input,
 * dW[u, v] = sum of dy[p - u, q] x[p, q + v]: k (out + channels) copied channels in place of k k channels.
 */
export function convWeightGradient(
  emit: Emitter,
  x: string,
  dy: string,
  group: number,
  windows: readonly Window[],
): string {
  if (prefersPatches(emit.dims(dy), group)) return weightGradientByPatches(emit, x, dy, windows);
  const [batch = 0, allChannels = 0, ...inputs] = emit.dims(x);
  const [, allOut = 0, ...outputs] = emit.dims(dy);
  const [channels, out] = [allChannels / group, allOut / group];
  // No axis for a single group: copies of 4-D values are faster than of 5-D ones.
  const front = group === 1 ? [batch] : [batch, group];
  const channelAxis = front.length;
  const input = emit.reshape(x, [...front, channels, ...inputs]);
  const gradient = emit.reshape(dy, [...front, out, ...outputs]);

  const [first] = windows;
  const split =
    first !== undefined &&
    windows.every((window) => window.stride === 1) &&
    first.kernel * out + (tapCount(windows) / first.kernel) * channels < tapCount(windows) * channels
      ? first
      : undefined;
  const onInput = split ? windows.slice(1) : windows;
  const firstAxis = channelAxis + 1 + (split ? 1 : 0);
  const columns = taps(onInput).map((offsets) =>
    take(
      emit,
      input,
      onInput.map((window, axis) => ({
        axis: firstAxis + axis,
        start: (offsets[axis] ?? 0) * window.dilation - window.before,
        count: window.output,
        step: window.stride,
      })),
    ),
  );
  const rows = split
    ? taps([split]).map(([tap = 0]) => {
        const start = split.before - tap * split.dilation;
        return take(emit, gradient, [{ axis: channelAxis + 1, start, count: split.input }]);
      })
    : [gradient];

  // A product a pair of shifts saves joining them, which copies them once more; narrow products are slow.
  const joins = Math.min(out, channels) < widthOfProduct;
  const flat = (parts: readonly string[]): string[] =>
    (joins ? [emit.concat(parts, channelAxis)] : parts).map((part) => {
      const [width = 0, ...places] = emit.dims(part).slice(channelAxis);
      return emit.reshape(part, [...front, width, elementCount(places)]);
    });
  const matrix = [...front.keys(), channelAxis + 1, channelAxis];
  const right = flat(columns).map((value) => emit.transpose(value, matrix));
  const products = flat(rows).map((left) =>
    emit.concat(
      right.map((value) => emit.sum(emit.matmul(left, value), [0], false)),
      front.length,
    ),
  );
  const sum = emit.concat(products, front.length - 1);
  const byTap = emit.reshape(sum, [group, rows.length, out, columns.length, channels]);
  return emit.reshape(emit.transpose(byTap, [0, 2, 4, 1, 3]), [
    allOut,
    channels,
    ...windows.map((window) => window.kernel),
  ]);
}

/** Channels below which shifted copies are joined for one wide product. */
const widthOfProduct = 16;
