import { elementCount } from '../../../shared/tensor.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/**
 * Y = A B over broadcast leading axes: dA = dY B^T, dB = A^T dY, summed over what was broadcast. A vector is a matrix
 * of one row (left) or one column (right).
 */
export const matmul: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  const [aDims, bDims] = [emit.dims(a), emit.dims(b)];
  const [aWide, bWide] = [
    aDims.length === 1 ? [1, ...aDims] : aDims,
    bDims.length === 1 ? [...bDims, 1] : bDims,
  ];
  const [left, right] = [emit.reshape(a, aWide), emit.reshape(b, bWide)];
  const [rows, columns] = [aWide.at(-2) ?? 1, bWide.at(-1) ?? 1];
  const yDims = emit.dims(gradOf(context));
  const lead = yDims.slice(0, yDims.length - (aDims.length > 1 ? 1 : 0) - (bDims.length > 1 ? 1 : 0));
  const grad = emit.reshape(gradOf(context), [...lead, rows, columns]);

  const byA = (): string => emit.unbroadcast(emit.matmul(grad, swapped(emit, right)), aWide);
  const byB = (): string => {
    if (bWide.length > 2) return emit.unbroadcast(emit.matmul(swapped(emit, left), grad), bWide);
    // One matrix for every row of every batch: one product over all rows instead of a batch of products to add up.
    const inner = aWide.at(-1) ?? 1;
    const all = elementCount(aWide) / inner;
    return emit.matmul(swapped(emit, emit.reshape(left, [all, inner])), emit.reshape(grad, [all, columns]));
  };
  return [wants[0] ? emit.reshape(byA(), aDims) : null, wants[1] ? emit.reshape(byB(), bDims) : null];
};

function swapped(emit: Emitter, value: string): string {
  const axes = emit.dims(value).map((_, axis) => axis);
  const last = axes.length - 1;
  return emit.transpose(value, [...axes.slice(0, -2), last, last - 1]);
}
