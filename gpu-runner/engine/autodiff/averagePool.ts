import { intOf, intsOf } from '../../onnx/attributes.ts';
import { elementCount } from '../../../shared/tensor.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';
import { transposed, windowsOf, type Window } from './windows.ts';

/** Every element of a window gets an equal share: a ConvTranspose of one channel with a kernel of ones. */
export const averagePool: GradientRule = (context) => {
  const { emit, node } = context;
  const dims = emit.dims(inputOf(node, 0));
  const kernel = intsOf(node, 'kernel_shape', []);
  const windows = windowsOf(emit, node, kernel);
  const outputs = windows.map((window) => window.output);
  const shared = divideByCounts(emit, gradOf(context), windows, intOf(node, 'count_include_pad', 0) !== 0);
  const images = emit.reshape(shared, [elementCount(dims.slice(0, 2)), 1, ...outputs]);
  const ones = emit.op('Expand', [emit.scalar(1, images), emit.int64s([1, 1, ...kernel])]);
  return [emit.reshape(emit.op('ConvTranspose', [images, ones], transposed(windows)), dims)];
};

/** dy over the number of elements each window averaged: fewer where it hangs over the edge. */
function divideByCounts(emit: Emitter, dy: string, windows: readonly Window[], countPads: boolean): string {
  const counts = windows.reduce<number[]>(
    (products, window) => {
      const along = countsAlong(window, countPads);
      return products.flatMap((product) => along.map((count) => product * count));
    },
    [1],
  );
  const [first = 1] = counts;
  if (counts.every((count) => count === first)) return emit.scale(dy, 1 / first);
  const shares = emit.constant({
    dtype: 'float32',
    dims: windows.map((window) => window.output),
    data: Float32Array.from(counts, (count) => 1 / count),
  });
  return emit.mul(dy, emit.castLike(shares, dy));
}

/** Taps of each window along one axis that count: those on the input, or on it and its padding. */
function countsAlong(window: Window, countPads: boolean): number[] {
  const { input, output, kernel, stride, dilation, before, after } = window;
  const [low, high] = countPads ? [-before, input + after] : [0, input];
  return Array.from({ length: output }, (_, place) => {
    const positions = Array.from({ length: kernel }, (_tap, tap) => place * stride + tap * dilation - before);
    return positions.filter((position) => position >= low && position < high).length;
  });
}
