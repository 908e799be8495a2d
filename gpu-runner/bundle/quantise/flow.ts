import type { Graph, Node } from '../../onnx/graph.ts';
import type { Layer } from './layers.ts';

/** What holds the same numbers at its output as at its input, thus has one scale for both. */
const movers = new Set(['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze']);
/** What ONNX Runtime computes on integers when all its inputs and its output are quantised. */
const mixers = new Set(['Add', 'Mul', 'Concat', 'AveragePool', 'GlobalAveragePool']);
/** What a quantised output needs no step of its own for: its scale begins at 0, or ends at 6. */
const cutters = new Set(['Relu', 'Clip']);

/** The activations of a graph that become integers. */
export interface Flow {
  /** Each with the value whose scale it has: itself, or where a mover's numbers come from. */
  readonly quantised: ReadonlyMap<string, string>;
  /** Of these, what exists as integers only: whoever reads it reads it rounded. */
  readonly born: ReadonlySet<string>;
}

/**
 * Decides which activations become integers when `layers` compute on them: what the layers read and make, and what only
 * lies between such values.
 *
 * @param given inputs of the graph that are quantised already
 * @param wanted outputs of the graph that others read as integers, where they are
 */
export function quantisedFlow(
  graph: Graph,
  layers: readonly Layer[],
  given: ReadonlySet<string>,
  wanted: ReadonlySet<string> = new Set(),
): Flow {
  const chosen = new Set(layers.map(({ node }) => node));
  const consumers = graph.consumers();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const read = new Set(layers.map(({ node }) => node.inputs[0] ?? ''));
  /** Values that a cut makes no separate integers of. */
  const passing = new Map<string, Node>();
  const carries = (node: Node): boolean =>
    node.domain === '' && node.outputs.length === 1 && (movers.has(node.op) || mixers.has(node.op));
  const sourcesOf = (node: Node): string[] => (mixers.has(node.op) ? node.inputs : node.inputs.slice(0, 1));

  const roots = new Map<string, string>();
  const born = new Set<string>();
  for (const { name } of graph.inputs) {
    if (given.has(name)) born.add(name);
    if (given.has(name) || read.has(name)) roots.set(name, name);
  }
  for (const node of graph.nodes) {
    const [output = ''] = node.outputs;
    const [input = ''] = node.inputs;
    const isCut = passing.get(input) === node;
    if (chosen.has(node) || isCut || (carries(node) && sourcesOf(node).every((name) => roots.has(name)))) {
      const readers = consumers.get(output) ?? [];
      const [reader] = readers;
      if (
        !movers.has(node.op) &&
        !isCut &&
        reader &&
        cutters.has(reader.op) &&
        readers.length === 1 &&
        !outputs.has(output)
      ) {
        passing.set(output, reader);
        continue;
      }
      roots.set(output, movers.has(node.op) ? (roots.get(input) ?? output) : output);
      born.add(output);
    } else if (read.has(output)) roots.set(output, output);
  }
  return keepUseful(
    graph,
    { quantised: roots, born },
    { chosen, read: new Set([...read, ...wanted]), carries, sourcesOf },
  );
}

interface Roles {
  readonly chosen: ReadonlySet<Node>;
  readonly read: ReadonlySet<string>;
  readonly carries: (node: Node) => boolean;
  readonly sourcesOf: (node: Node) => string[];
}

/** Drops what leads to no layer. A convolution's output stays: without it ONNX Runtime would convolve floats. */
function keepUseful(
  graph: Graph,
  { quantised, born }: Flow,
  { chosen, read, carries, sourcesOf }: Roles,
): Flow {
  const useful = new Set(read);
  const producers = graph.producers();
  const made = (output: string): Node | undefined => {
    const node = producers.get(output);
    return node && cutters.has(node.op) ? producers.get(node.inputs[0] ?? '') : node;
  };
  for (const node of [...graph.nodes].reverse()) {
    const [output = ''] = node.outputs;
    if (!quantised.has(output)) continue;
    const maker = made(output);
    if (maker?.op === 'Conv' && chosen.has(maker)) useful.add(output);
    if (!useful.has(output) || !maker) continue;
    if (carries(maker)) for (const source of sourcesOf(maker)) useful.add(source);
  }
  const kept = <T>(entries: Iterable<T>, name: (entry: T) => string): T[] =>
    [...entries].filter((entry) => useful.has(name(entry)));
  return {
    quantised: new Map(kept(quantised, ([name]) => name)),
    born: new Set(kept(born, (name) => name)),
  };
}
