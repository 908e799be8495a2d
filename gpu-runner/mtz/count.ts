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
  const batch = Object.values(inputDims)[0]?.[0] ?? 1;
  const types = inferShapes(graph, inputDims);
  return graph.nodes.reduce((sum, node) => sum + macsOf(node, types), 0) / batch;
}

/** Elements of all floating-point initializers, each counted once however often it is read. */
export function countParameters(graph: Graph): number {
  let count = 0;
  for (const { dtype, dims } of graph.initializers.values()) {
    if (dtype.includes('float')) count += elementCount(dims);
  }
  return count;
}

function macsOf(node: Node, types: ReadonlyMap<string, TensorType>): number {
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
