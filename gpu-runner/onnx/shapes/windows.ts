import { intOf, intsOf, stringOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import type { ShapeContext } from './context.ts';

/** The sliding window of a convolution or pooling over one spatial axis, in elements. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Added before plus after; null where auto_pad decides. */
  readonly padding: number | null;
  readonly ceil: boolean;
  readonly padAfter: number;
}

/** The windows of a node, one a spatial axis, from its attributes. */
export function windowsOf(context: ShapeContext, kernel: readonly number[]): Window[] {
  const { node } = context;
  const rank = kernel.length;
  const list = (name: string, fallback: number, length = rank, least = 1): readonly number[] => {
    const values = intsOf(node, name) ?? Array<number>(length).fill(fallback);
    if (values.length !== length)
      throw context.refuse(`${name} has ${values.length} entries, expected ${length}`);
    if (values.some((value) => value < least))
      throw context.refuse(`${name} [${values.join()}] must be at least ${least}`);
    return values;
  };
  if (kernel.some((size) => size < 1)) throw context.refuse(`kernel [${kernel.join()}] must be at least 1`);
  const strides = list('strides', 1);
  const dilations = list('dilations', 1);
  const pads = list('pads', 0, 2 * rank, 0);
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto))
    throw context.refuse(`auto_pad "${auto}" is unknown`);
  return kernel.map((size, axis) => {
    const padAfter = auto === 'NOTSET' ? (pads[axis + rank] ?? 0) : 0;
    return {
      kernel: size,
      stride: strides[axis] ?? 1,
      dilation: dilations[axis] ?? 1,
      padding: auto.startsWith('SAME') ? null : padAfter + (auto === 'NOTSET' ? (pads[axis] ?? 0) : 0),
      ceil: intOf(node, 'ceil_mode', 0) !== 0,
      padAfter,
    };
  });
}

/** How many places the window takes over `size` elements. */
export function slide(context: ShapeContext, size: Dim, window: Window): Dim {
  const { stride, padding, padAfter } = window;
  const extent = (window.kernel - 1) * window.dilation + 1;
  if (typeof size !== 'number') {
    // A symbol survives where the window provably keeps the size.
    return stride === 1 && (padding === null || padding === extent - 1) ? size : null;
  }
  if (padding === null) return Math.ceil(size / stride);
  const steps = (size + padding - extent) / stride;
  if (steps < 0)
    throw context.refuse(`a window of ${extent} does not fit ${size} elements padded by ${padding}`);
  const count = (window.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  // A window that would start in the padding behind the data is left out.
  return window.ceil && (count - 1) * stride >= size + padding - padAfter ? count - 1 : count;
}

/** The size whose windows were `size` places: what a transposed window covers. */
export function unslide(size: Dim, window: Window, outputPadding = 0): Dim {
  if (typeof size !== 'number') return null;
  if (window.padding === null) return size * window.stride;
  const extent = (window.kernel - 1) * window.dilation + 1;
  return (size - 1) * window.stride + extent + outputPadding - window.padding;
}
