import type { Graph, Node } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Tensor } from '../../shared/tensor.ts';

/** What reading a node needs to know about the graph around it. */
export interface Surroundings {
  /** Dims of a value without the batch. */
  dims(value: string | undefined): readonly number[];
  constant(value: string | undefined): Tensor | undefined;
  refuse(node: Node, reason: string): Error;
}

/** @throws {Error} when the shapes in the graph do not fit; later, when a dimension that is asked for is not known. */
export function surroundingsOf(graph: Graph, task: string): Surroundings {
  const types = inferShapes(graph);
  return {
    dims(value = '') {
      const [, ...dims] = types.get(value)?.dims ?? [];
      return dims.map((dim, axis) => {
        if (typeof dim === 'number') return dim;
        throw new Error(`Cannot zip "${task}": dimension ${axis + 1} of "${value}" is not known`);
      });
    },
    constant: (value = '') => graph.initializers.get(value),
    refuse: (node, reason) => new Error(`Cannot zip "${task}": ${node.op} "${node.name}": ${reason}`),
  };
}
