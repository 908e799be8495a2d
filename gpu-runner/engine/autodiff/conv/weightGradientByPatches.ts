import { int } from '../../../onnx/graph.ts';
import { elementCount } from '../../../../shared/tensor.ts';
import type { Emitter } from '../../emitter.ts';
import { take, tapCount, taps, type Window } from '../windows.ts';

/**
 * As `convWeightGradient`, for one group, in one product over all positions of all samples: channels are moved last, so
 * that a position's patch is one row. Many channels on small maps want it: a product a sample, summed afterwards, would
 * write the whole derivative once for every sample.
 */
export function weightGradientByPatches(
  emit: Emitter,
  x: string,
  dy: string,
  windows: readonly Window[],
): string {
  const channels = emit.dims(x)[1] ?? 0;
  const [batch = 0, out = 0, ...outputs] = emit.dims(dy);
  const positions = batch * elementCount(outputs);
  const channelsLast = [0, ...windows.map((_, axis) => axis + 2), 1];
  const input = emit.transpose(x, channelsLast);
  const columns = taps(windows).map((offsets) =>
    take(
      emit,
      input,
      windows.map((window, axis) => ({
        axis: axis + 1,
        start: (offsets[axis] ?? 0) * window.dilation - window.before,
        count: window.output,
        step: window.stride,
      })),
    ),
  );
  const width = tapCount(windows) * channels;
  const patches = emit.reshape(emit.concat(columns, windows.length + 1), [positions, width]);
  const gradient = emit.reshape(emit.transpose(dy, channelsLast), [positions, out]);
  const product = emit.op('Gemm', [gradient, patches], { transA: int(1) });
  const byTap = emit.reshape(product, [out, tapCount(windows), channels]);
  const kernel = windows.map((window) => window.kernel);
  return emit.reshape(emit.transpose(byTap, [0, 2, 1]), [out, channels, ...kernel]);
}

/** Channels of the gradient for a position of it, above which patches are faster (measured on 2x2 to 32x32 maps). */
const manyChannels = 4;

export function prefersPatches(dy: readonly number[], group: number): boolean {
  const [, out = 0, ...outputs] = dy;
  return group === 1 && out >= manyChannels * elementCount(outputs);
}
