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

/**
 * [out, channels / group, ...kernel] to [channels, out / group, ...kernel], every spatial axis reversed: the taps of a
 * kernel in reverse order. Between two transposes of matrices, where taps are rows of `out` numbers, that moves whole
 * rows: 0.6 ms for 256 x 256 kernels of 3x3, against 3 ms for a Slice of single numbers.
 */
function flipped(emit: Emitter, w: string, group: number): string {
  const [out = 0, channels = 0, ...kernel] = emit.dims(w);
  const taps = elementCount(kernel);
  const outs = out / group;
  const rows = emit.transpose(emit.reshape(w, [group, outs, channels * taps]), [0, 2, 1]);
  const byTap = emit.reshape(rows, [group * channels, taps, outs]);
  const order = emit.int64s(Array.from({ length: taps }, (_, tap) => taps - 1 - tap));
  const reversed = taps === 1 ? byTap : emit.op('Gather', [byTap, order], { axis: int(1) });
  return emit.reshape(emit.transpose(reversed, [0, 2, 1]), [group * channels, outs, ...kernel]);
}
