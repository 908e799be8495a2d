import type { Attribute, Graph, Node } from './graph.ts';

/** The graphs inside a node: the branches of an If, the body of a Loop. */
export function subgraphs(node: Node): Graph[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === 'graph' ? [attribute.value] : [],
  );
}

/** The values of the surrounding graph that a node reads: its inputs, and what the graphs inside it take from outside. */
export function reads(node: Node): string[] {
  return [...node.inputs.filter((name) => name !== ''), ...subgraphs(node).flatMap(captures)];
}

function captures(graph: Graph): string[] {
  const own = graph.values();
  const used = [...graph.nodes.flatMap(reads), ...graph.outputs.map(({ name }) => name)];
  return used.filter((name) => !own.has(name));
}

/** Renames what a node reads. Names are unique across nested graphs, so inside them every name is mapped. */
export function renameReads(node: Node, rename: (name: string) => string): void {
  node.inputs = node.inputs.map(rename);
  for (const graph of subgraphs(node)) {
    graph.inputs = graph.inputs.map((value) => ({ ...value, name: rename(value.name) }));
    graph.outputs = graph.outputs.map((value) => ({ ...value, name: rename(value.name) }));
    graph.initializers = new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor]));
    for (const inner of graph.nodes) {
      inner.outputs = inner.outputs.map(rename);
      renameReads(inner, rename);
    }
  }
}

export function cloneNode(node: Node): Node {
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => [
    name,
    attribute.type === 'graph' ? { type: 'graph', value: attribute.value.clone() } : attribute,
  ]);
  return {
    ...node,
    inputs: [...node.inputs],
    outputs: [...node.outputs],
    attributes: Object.fromEntries(attributes),
  };
}
