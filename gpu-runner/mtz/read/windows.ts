import { stringOf, intsOf } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/graph.ts';
import type { Convolution } from '../topology.ts';

/** The pads of a sliding window, all beginnings, then all ends; `auto_pad` SAME_LOWER puts the odd one at the beginning. */
export function padsOf(
  node: Node,
  inputSize: readonly number[],
  outputSize: readonly number[],
  { kernel, strides, dilations }: Omit<Convolution, 'pads'>,
): number[] {
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  const none = kernel.flatMap(() => [0, 0]);
  if (auto === 'NOTSET') return [...(intsOf(node, 'pads') ?? none)];
  if (auto === 'VALID') return none;
  const totals = kernel.map((size, axis) => {
    const steps = (outputSize[axis] ?? 0) - 1;
    const reach = steps * (strides[axis] ?? 1) + (size - 1) * (dilations[axis] ?? 1) + 1;
    return Math.max(0, reach - (inputSize[axis] ?? 0));
  });
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total) => Math.ceil(total / 2));
  return auto === 'SAME_LOWER' ? [...larger, ...smaller] : [...smaller, ...larger];
}
