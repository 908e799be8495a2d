import { intsOf, stringOf } from '../../onnx/attributes.ts';
import { ints, type Attribute, type Node } from '../../onnx/graph.ts';
import { elementCount } from '../../../shared/tensor.ts';
import type { Emitter } from '../emitter.ts';
import { inputOf, outputOf } from './rule.ts';

/** How a convolution or pooling slides along one spatial axis, in elements. */
export interface Window {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** The padding asked for, auto_pad worked out. */
  readonly before: number;
  readonly after: number;
}

/** Elements from the first to the last tap of a window. */
export const extent = ({ kernel, dilation }: Window): number => (kernel - 1) * dilation + 1;

/**
 * Elements from the end of the input to the end of the last window. Below 0 where the stride leaves a tail unread,
 * above `after` where ceil_mode adds a window that hangs over.
 */
export const overhang = (window: Window): number =>
  (window.output - 1) * window.stride + extent(window) - window.input - window.before;

/** The windows of a node already emitted, one a spatial axis. Input and output are [batch, channels, ...spatial]. */
export function windowsOf(emit: Emitter, node: Node, kernel: readonly number[]): Window[] {
  const inputs = emit.dims(inputOf(node, 0)).slice(2);
  const outputs = emit.dims(outputOf(node)).slice(2);
  const pads = intsOf(node, 'pads');
  const strides = intsOf(node, 'strides');
  const dilations = intsOf(node, 'dilations');
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  return kernel.map((size, axis) => {
    const unpadded: Window = {
      input: inputs[axis] ?? 1,
      output: outputs[axis] ?? 1,
      kernel: size,
      stride: strides?.[axis] ?? 1,
      dilation: dilations?.[axis] ?? 1,
      before: 0,
      after: 0,
    };
    if (auto === 'VALID') return unpadded;
    if (auto === 'NOTSET')
      return { ...unpadded, before: pads?.[axis] ?? 0, after: pads?.[axis + kernel.length] ?? 0 };
    const total = Math.max(0, overhang(unpadded));
    const before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
    return { ...unpadded, before, after: total - before };
  });
}

/** Every combination of taps, row-major: [0, 0], [0, 1], ... */
export function taps(windows: readonly Window[]): number[][] {
  return windows.reduce<number[][]>(
    (lists, { kernel }) =>
      lists.flatMap((list) => Array.from({ length: kernel }, (_, tap) => [...list, tap])),
    [[]],
  );
}

/** Elements start, start + step, ... along an axis, `count` of them; any may lie outside the value. */
export interface Range {
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly step?: number;
}

/** The elements of `value` in all `ranges`, with `fill` (default 0, a scalar value) where they lie outside. */
export function take(emit: Emitter, value: string, ranges: readonly Range[], fill = ''): string {
  const dims = emit.dims(value);
  const spans = ranges.map((range) => {
    const { axis, start, count, step = 1 } = range;
    return { ...range, step, end: start + (count - 1) * step + 1, size: dims[axis] ?? 1 };
  });
  const outside = spans.some(({ start, end, size }) => start < 0 || end > size);
  const axes = emit.int64s(spans.map(({ axis }) => axis));
  // Pad crops where it is told to add less than nothing: one pass for both, and the ranges start at 0 after it.
  // For every axis: ONNX Runtime's layout pass for GPUs (1.30) misreads pads that come with a list of axes.
  const pads = [...dims, ...dims].map(() => 0);
  for (const { axis, start, end, size } of spans) {
    pads[axis] = -start;
    pads[axis + dims.length] = end - size;
  }
  const placed = outside ? emit.op('Pad', [value, emit.int64s(pads), fill]) : value;
  const base = (start: number): number => (outside ? 0 : start);
  if (spans.every(({ axis, start, count }) => base(start) === 0 && emit.dims(placed)[axis] === count))
    return placed;
  return emit.op('Slice', [
    placed,
    emit.int64s(spans.map(({ start }) => base(start))),
    emit.int64s(spans.map(({ start, end }) => base(start) + end - start)),
    axes,
    emit.int64s(spans.map(({ step }) => step)),
  ]);
}

/** Attributes of the ConvTranspose that puts values back where these windows read them. */
export const transposed = (windows: readonly Window[]): Record<string, Attribute> => ({
  kernel_shape: ints(windows.map((window) => window.kernel)),
  strides: ints(windows.map((window) => window.stride)),
  dilations: ints(windows.map((window) => window.dilation)),
  pads: ints([
    ...windows.map((window) => window.before),
    ...windows.map((window) => Math.max(0, overhang(window))),
  ]),
  output_padding: ints(windows.map((window) => Math.max(0, -overhang(window)))),
});

/** Taps of the whole kernel. */
export const tapCount = (windows: readonly Window[]): number =>
  elementCount(windows.map((one) => one.kernel));
