import { int, ints, type Graph } from '../onnx/graph.ts';
import type { Convolution } from './topology.ts';

/**
 * Adds to a graph the matrix whose columns are what one output position of a layer reads, in the order of its weights:
 * [inputs, batch * positions]. Of a dense layer that is the batch transposed; of a convolution, its patches (im2col).
 *
 * @param value [batch, channels, ...size], or [batch, inputs] for a dense layer
 * @param columns inputs of one output position: channels times the layer's area
 * @returns the name of the matrix, float32
 */
export function unfold(
  graph: Graph,
  value: string,
  convolution: Convolution | null,
  outputSize: readonly number[],
  columns: number,
): string {
  const op = (kind: string, inputs: readonly string[], attributes = {}): string => {
    const output = graph.fresh(`${value}.${kind}`);
    graph.addNode(kind, inputs, [output], attributes);
    return output;
  };
  const constant = (values: readonly number[]): string =>
    graph.addIntegers(graph.fresh(`${value}.constant`), values);
  if (!convolution) return op('Transpose', [value], { perm: ints([1, 0]) });

  const { kernel, strides, pads, dilations } = convolution;
  const axes = kernel.map((_, axis) => axis + 2);
  const rank = kernel.length;
  const padded = pads.some((pad) => pad !== 0)
    ? op('Pad', [value, constant([0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)])])
    : value;
  // One shifted copy of the map for each position of the kernel, [batch, channels, 1, ...output size].
  const shifts = kernelPositions(kernel).map((position) => {
    const starts = position.map((offset, axis) => offset * (dilations[axis] ?? 1));
    const ends = starts.map(
      (start, axis) => start + ((outputSize[axis] ?? 1) - 1) * (strides[axis] ?? 1) + 1,
    );
    const shifted = op('Slice', [
      padded,
      constant(starts),
      constant(ends),
      constant(axes),
      constant(strides),
    ]);
    return op('Unsqueeze', [shifted, constant([2])]);
  });
  const stacked = op('Concat', shifts, { axis: int(2) });
  const inputsFirst = op('Transpose', [stacked], { perm: ints([1, 2, 0, ...axes.map((axis) => axis + 1)]) });
  return op('Reshape', [inputsFirst, constant([columns, -1])]);
}

/** All positions in a kernel, the last axis fastest: the order in which weights are stored. */
function kernelPositions(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (positions, size) =>
      positions.flatMap((start) => Array.from({ length: size }, (_, next) => [...start, next])),
    [[]],
  );
}
