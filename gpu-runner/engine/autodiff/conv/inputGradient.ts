import { int, ints } from '../../../onnx/graph.ts';
import { elementCount } from '../../../../shared/tensor.ts';
import type { Emitter } from '../../emitter.ts';
import { extent, overhang, transposed, type Window } from '../windows.ts';

/**
 * The derivative by a convolution's input, [batch, channels, ...input], of dy [batch, out, ...output] and
 * w [out, channels / group, ...kernel].
 *
 * ConvTranspose is that by definition, but ONNX Runtime computes a plain Conv up to three times faster; with stride 1
 * it is one, of the flipped kernel. Not where it would mostly read padding: a 5x5 kernel over 8x8 gradients costs twice.
 */
export function convInputGradient(
  emit: Emitter,
  dy: string,
  w: string,
  group: number,
  windows: readonly Window[],
): string {
  const flippable = windows.every(
    (window) => window.stride === 1 && Math.max(window.before, overhang(window)) < extent(window),
  );
  const growth =
    elementCount(windows.map((window) => window.input)) /
    elementCount(windows.map((window) => window.output));
  if (flippable && growth < 1.5) {
    return emit.op('Conv', [dy, flipped(emit, w, group)], {
      group: int(group),
      kernel_shape: ints(windows.map((window) => window.kernel)),
      dilations: ints(windows.map((window) => window.dilation)),
      pads: ints([
        ...windows.map((window) => extent(window) - 1 - window.before),
        ...windows.map((window) => extent(window) - 1 - overhang(window)),
      ]),
    });
  }
  return emit.op('ConvTranspose', [dy, w], { ...transposed(windows), group: int(group) });
}

/** [out, channels / group, ...kernel] to [channels, out / group, ...kernel], every spatial axis reversed. */
function flipped(emit: Emitter, w: string, group: number): string {
  const [out = 0, channels = 0, ...kernel] = emit.dims(w);
  const spatial = [...kernel.keys()];
  const grouped = emit.reshape(w, [group, out / group, channels, ...kernel]);
  const swapped = emit.transpose(grouped, [0, 2, 1, ...spatial.map((axis) => axis + 3)]);
  const exchanged = emit.reshape(swapped, [group * channels, out / group, ...kernel]);
  const long = spatial.filter((axis) => kernel[axis] !== 1);
  if (long.length === 0) return exchanged;
  return emit.op('Slice', [
    exchanged,
    emit.int64s(long.map(() => -1)),
    // One before the first element, counted from the end.
    emit.int64s(long.map((axis) => -1 - (kernel[axis] ?? 1))),
    emit.int64s(long.map((axis) => axis + 2)),
    emit.int64s(long.map(() => -1)),
  ]);
}
