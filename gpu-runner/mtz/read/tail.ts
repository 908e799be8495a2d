import { int, ints, type Graph, type Node, type TensorType, type ValueInfo } from '../../onnx/graph.ts';
import { reads } from '../../onnx/node.ts';
import { elementsOf } from '../arrange.ts';
import { valueAt, type Tail, type TaskNet } from '../topology.ts';
import { filterPlaces } from './filters.ts';
import type { View } from './reading.ts';

/** A tensor that the tail reads. */
interface Crossing {
  readonly tensor: string;
  readonly view: View;
}

/** Operators that only say the answer in another way: what they read are the classes. */
const answering = new Set([
  ...['Softmax', 'LogSoftmax', 'Sigmoid', 'ArgMax', 'Identity', 'Cast', 'Flatten', 'Reshape', 'Squeeze'],
  ...['Unsqueeze', 'Transpose', 'Shape', 'Gather', 'Concat'],
]);

/**
 * What the rest of a graph reads of the values that are read already, in the order of a walk from the output, and which
 * of it are the answer but for its form.
 */
export function tailReads(
  graph: Graph,
  views: ReadonlyMap<string, View>,
): { tensors: Crossing[]; answers: View[] } {
  const producers = graph.producers();
  const walk = (goesOn: (node: Node) => boolean): Crossing[] => {
    const seen = new Set<string>();
    const found: Crossing[] = [];
    const stack = graph.outputs.map(({ name }) => name);
    for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const view = views.get(name);
      const node = producers.get(name);
      if (view) found.push({ tensor: name, view });
      else if (node && goesOn(node)) stack.push(...reads(node).reverse());
    }
    return found;
  };
  return {
    tensors: walk(() => true),
    answers: walk((node) => node.domain === '' && answering.has(node.op)).map(({ view }) => view),
  };
}

/**
 * The rest of a graph, reading values as the topology has them: where the graph had them in another layout, it is
 * restored first.
 *
 * @param numberOf the value of the topology that a view shows
 */
export function restore(
  graph: Graph,
  crossings: readonly Crossing[],
  numberOf: (view: View) => number,
  { topology, widths }: Pick<TaskNet, 'topology' | 'widths'>,
  types: ReadonlyMap<string, TensorType>,
): Tail {
  const infos = crossings.map(({ tensor }): ValueInfo => {
    const type = types.get(tensor);
    if (!type) throw new Error(`Cannot cut graph "${graph.name}": the type of "${tensor}" is not known`);
    return { name: tensor, ...type };
  });
  const batch = graph.inputs[0]?.dims[0] ?? 'N';
  const tail = graph.extract(infos, graph.outputs);
  tail.inputs = [];
  const inputs = new Map<number, string>();
  const before: Node[] = [];
  for (const { tensor, view } of crossings) {
    const value = numberOf(view);
    const known = inputs.get(value);
    const isPlain = !view.channelsLast && !view.squeezed && !view.inLine && !view.order && view.filters === 1;
    const isOutput = tail.outputs.some(({ name }) => name === tensor);
    const source = known ?? (isPlain && !isOutput ? tensor : tail.fresh(`${tensor}.value`));
    if (known === undefined) {
      inputs.set(value, source);
      const shown = valueAt(topology, value);
      const dims = [batch, elementsOf(shown, widths), ...shown.size];
      tail.inputs.push({ name: source, dtype: 'float32', dims });
    }
    if (source !== tensor) {
      const shown = valueAt(topology, value);
      before.push(...layoutNodes(tail, view, source, tensor, shown.size.length, elementsOf(shown, widths)));
    }
  }
  tail.nodes.unshift(...before);
  return { graph: tail, reads: [...inputs.keys()] };
}

/** The nodes that turn a value into the tensor that a graph had in its place. */
function layoutNodes(
  graph: Graph,
  view: View,
  source: string,
  tensor: string,
  spatial: number,
  elements: number,
): Node[] {
  const node = (op: string, inputs: string[], attributes: Node['attributes']): Node[] => [
    { name: graph.fresh(`${tensor}.layout`), op, domain: '', inputs, outputs: [tensor], attributes },
  ];
  if (view.filters > 1) {
    // What would turn such a map, or flatten it otherwise, is not read.
    const places = filterPlaces(elements, view.filters);
    const order = graph.addIntegers(graph.fresh(`${tensor}.filters`), places);
    return node('Gather', [source, order], { axis: int(1) });
  }
  if (view.channelsLast) {
    const axes = Array.from({ length: spatial }, (_, axis) => axis + 2);
    return node('Transpose', [source], { perm: ints([0, ...axes, 1]) });
  }
  if (view.inLine) {
    const shape = graph.addIntegers(graph.fresh(`${tensor}.shape`), [0, 0, -1]);
    return node('Reshape', [source, shape], {});
  }
  if (view.squeezed) return node('Flatten', [source], { axis: int(1) });
  if (view.order) {
    const name = graph.addIntegers(graph.fresh(`${tensor}.order`), view.order);
    return node('Gather', [source, name], { axis: int(1) });
  }
  return node('Identity', [source], {});
}
