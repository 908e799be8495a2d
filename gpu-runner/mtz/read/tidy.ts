import type { Graph, Node, TensorType } from '../../onnx/graph.ts';
import { reads } from '../../onnx/node.ts';
import { inferShapes, supportedOperators } from '../../onnx/shapes.ts';

/**
 * A copy without nodes that do nothing and without what no output needs. A batch whose size the file leaves open is
 * named, so that shapes computed from it are known.
 */
export function tidy(graph: Graph): Graph {
  const copy = graph.clone();
  copy.inputs = copy.inputs.map((input) => {
    const [batch, ...dims] = input.dims;
    return batch === null ? { ...input, dims: ['N', ...dims] } : input;
  });
  const outputs = new Set(copy.outputs.map(({ name }) => name));
  for (const node of [...copy.nodes]) {
    const [input = ''] = node.inputs;
    const [output = '', mask = ''] = node.outputs;
    if (!isNothing(copy, node) || outputs.has(output) || mask !== '') continue;
    copy.replaceUses(output, input);
    copy.removeNode(node);
  }
  for (const node of copy.nodes) dropUnread(copy, node, outputs);
  copy.prune();
  return copy;
}

function isNothing(graph: Graph, node: Node): boolean {
  if (node.domain !== '') return false;
  const training = graph.initializers.get(node.inputs[2] ?? '');
  return node.op === 'Identity' || (node.op === 'Dropout' && (training?.data[0] ?? 0) === 0);
}

/** Leaves out outputs that nothing reads: the mask of a Dropout, the indices of a MaxPool. */
function dropUnread(graph: Graph, node: Node, outputs: ReadonlySet<string>): void {
  if (node.outputs.length < 2 || node.op === 'Split') return;
  const read = new Set(graph.nodes.flatMap(reads));
  node.outputs = node.outputs.map((name) => (read.has(name) || outputs.has(name) ? name : ''));
  while (node.outputs.at(-1) === '') node.outputs.pop();
}

/** The types of all values up to the operators whose outputs cannot be inferred. */
export const typesOf = (graph: Graph): Map<string, TensorType> => inferShapes(knownPart(graph));

/** A copy without the operators whose outputs cannot be inferred, and without all that reads them. */
export function knownPart(graph: Graph): Graph {
  const known = graph.clone();
  const lost = new Set<string>();
  known.nodes = known.nodes.filter((node) => {
    const isKnown =
      node.domain === '' && supportedOperators.has(node.op) && !reads(node).some((name) => lost.has(name));
    if (!isKnown) for (const name of node.outputs) lost.add(name);
    return isKnown;
  });
  return known;
}
