import { maxLayers, type ModelInspection } from '../../../shared/inspection.ts';
import { elementCount } from '../../../shared/tensor.ts';
import { macsOf, typesForOne } from '../../mtz/count.ts';
import { authorName } from '../../mtz/read/reading.ts';
import type { Graph, TensorType } from '../../onnx/graph.ts';
import { reads } from '../../onnx/node.ts';

type Layers = NonNullable<ModelInspection['layers']>;

/** Nodes that one node reads, at most: the contract's. */
const maxFrom = 200;

/**
 * The graph as people look at it: every node, what it reads, makes and costs.
 *
 * @param groupOf name of the group by the author's name of the node that puts its channels out
 * @returns null when there are too many nodes to look at
 */
export function layersOf(graph: Graph, groupOf: ReadonlyMap<string, string>): Layers | null {
  if (graph.nodes.length > maxLayers) return null;
  // Where a shape is not known or an operator is not supported the graph is drawn all the same, without numbers.
  const known = attempt(() => typesForOne(graph));
  const placeOf = new Map<string, number>(graph.inputs.map(({ name }) => [name, -1]));
  for (const [place, { outputs }] of graph.nodes.entries())
    for (const name of outputs) if (name !== '') placeOf.set(name, place);
  const counted = new Set<string>();
  return graph.nodes.map((node) => {
    const read = reads(node);
    let parameters = 0;
    for (const name of read) {
      const weight = graph.initializers.get(name);
      if (!weight?.dtype.includes('float') || counted.has(name)) continue;
      counted.add(name);
      parameters += elementCount(weight.dims);
    }
    const from = new Set(read.flatMap((name) => placeOf.get(name) ?? []));
    return {
      name: node.name.slice(0, 500),
      op: (node.domain === '' ? node.op : `${node.domain}.${node.op}`).slice(0, 200),
      from: [...from].slice(0, maxFrom),
      dims: dimsOf(known?.types.get(node.outputs[0] ?? '')),
      parameters,
      macs: known && attempt(() => macsOf(node, known.types) / known.batch),
      group: groupOf.get(authorName(node)) ?? null,
    };
  });
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function dimsOf(type: TensorType | undefined): number[] | null {
  const dims = (type?.dims ?? []).slice(1);
  const sizes = dims.filter((dim) => typeof dim === 'number');
  return type === undefined || sizes.length < dims.length || sizes.length > 8 ? null : sizes;
}
