import { elementCount } from '../../shared/tensor.ts';
import { intOf } from '../onnx/attributes.ts';
import type { Graph, Node, TensorType } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';

/**
 * Multiply-adds of one sample: those of convolutions and matrix products, which are nearly all. A graph that computes
 * several tasks counts all of them.
 *
 * @throws {Error} when a dimension other than the batch is not known.
 */
export function countMacs(graph: Graph): number {
  const { types, batch } = typesForOne(graph);
  return graph.nodes.reduce((sum, node) => sum + macsOf(node, types), 0) / batch;
}

/**
 * The types of all values where an open batch is 1.
 *
 * @returns also the batch, which is not 1 where the graph has a fixed one
 * @throws {Error} when a dimension other than the batch is not known.
 */
export function typesForOne(graph: Graph): { types: ReadonlyMap<string, TensorType>; batch: number } {
  const inputDims = Object.fromEntries(
    graph.inputs.map(({ name, dims }) => [
      name,
      dims.map((dim, axis) => {
        if (typeof dim === 'number') return dim;
        if (axis === 0) return 1;
        throw new Error(`Cannot count multiply-adds: dimension ${axis} of input "${name}" is not known`);
      }),
    ]),
  );
  return { types: inferShapes(graph, inputDims), batch: Object.values(inputDims)[0]?.[0] ?? 1 };
}

/** Elements of all floating-point initializers, each counted once however often it is read. */
export function countParameters(graph: Graph): number {
  let count = 0;
  for (const { dtype, dims } of graph.initializers.values()) {
    if (dtype.includes('float')) count += elementCount(dims);
  }
  return count;
}

/** Multiply-adds of one node for a whole batch. @throws {Error} when a shape is not known */
export function macsOf(node: Node, types: ReadonlyMap<string, TensorType>): number {
  const dims = (value = ''): number[] => {
    const type = types.get(value);
    return (type?.dims ?? []).map((dim) => {
      if (typeof dim === 'number') return dim;
      throw new Error(
        `Cannot count multiply-adds of ${node.op} "${node.name}": the shape of "${value}" is not known`,
      );
    });
  };
  const [x, weight] = node.inputs;
  switch (node.op) {
    case 'Conv': // every output element reads one filter
      return elementCount(dims(node.outputs[0])) * elementCount(dims(weight).slice(1));
    case 'ConvTranspose': // every input element writes through one filter
      return elementCount(dims(x)) * elementCount(dims(weight).slice(1));
    case 'Gemm':
    case 'MatMul': {
      const given = dims(x);
      const transposed = node.op === 'Gemm' && intOf(node, 'transA') === 1;
      return elementCount(dims(node.outputs[0])) * (given.at(transposed ? 0 : -1) ?? 1);
    }
    default:
      return 0;
  }
}
