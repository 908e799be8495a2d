import { beside, matrix, selectRows, submatrix, type Matrix } from '../linalg/matrix.ts';
import type { Pair } from './matching.ts';
import { blockOf, layerAt, type Block, type InputBlock, type Network, type NetworkLayer } from './network.ts';
import { label, meets, type TaskSet } from './taskSet.ts';

export interface Merge {
  readonly index: number;
  readonly a: Block;
  readonly b: Block;
  /** Which channels of `a` and `b` become one. */
  readonly pairs: readonly Pair[];
  /** What the merged channels read in common. */
  readonly common: readonly InputBlock[];
  /** [pairs, common columns + 1]: the merged channels' weights on it, bias last. */
  readonly shared: Matrix;
  /** What the merged channels go on reading apart, for the tasks of one side only. */
  readonly own: readonly TaskSet[];
}

/**
 * Moves pairs of channels of two blocks of one layer into a block that the tasks of both share, and lets the layer
 * above read them from there.
 *
 * @throws {Error} when the layer already has such a block, or the layer above has weights of both sides in one block.
 */
export function mergeBlocks(network: Network, merge: Merge): Network {
  const { index, a, b, pairs } = merge;
  if (pairs.length === 0) return network;
  const layer = layerAt(network, index);
  const tasks = a.tasks | b.tasks;
  if (blockOf(layer, tasks)) {
    const name = label(tasks, network.tasks);
    throw new Error(`Cannot merge channels of ${layer.shape.name}: it already has a block ${name}`);
  }
  const [restA, restB] = [
    unpaired(
      a,
      pairs.map((pair) => pair.a),
    ),
    unpaired(
      b,
      pairs.map((pair) => pair.b),
    ),
  ];
  const others = layer.blocks.filter((block) => block !== a && block !== b);
  const left = [take(a, restA), take(b, restB), ...others].filter((block) => block.sources.length > 0);
  const blocks = [mergedBlock(merge), ...left];
  const above = layerAt(network, index + 1);
  const split = (block: Block): Block =>
    splitEdges(block, above, tasks, [
      { block: a, moved: pairs.map((pair) => pair.a), stays: restA },
      { block: b, moved: pairs.map((pair) => pair.b), stays: restB },
    ]);
  const layers = network.layers.map((each, position) => {
    if (position === index) return { ...layer, blocks };
    return position === index + 1 ? { ...above, blocks: above.blocks.map(split) } : each;
  });
  return { ...network, layers };
}

function mergedBlock({ a, b, pairs, common, shared, own }: Merge): Block {
  const rows = Array.from({ length: pairs.length }, (_, row) => row);
  const edges = new Map<TaskSet, Matrix>();
  let start = 0;
  for (const { tasks, columns } of common) {
    edges.set(
      tasks,
      submatrix(
        shared,
        rows,
        Array.from({ length: columns }, (_, k) => start + k),
      ),
    );
    start += columns;
  }
  for (const from of own) {
    const [ofA, ofB] = [a.edges.get(from), b.edges.get(from)];
    if (ofA)
      edges.set(
        from,
        selectRows(
          ofA,
          pairs.map((pair) => pair.a),
        ),
      );
    else if (ofB)
      edges.set(
        from,
        selectRows(
          ofB,
          pairs.map((pair) => pair.b),
        ),
      );
  }
  return {
    tasks: a.tasks | b.tasks,
    sources: pairs.map((pair) => ({ ...a.sources[pair.a], ...b.sources[pair.b] })),
    bias: submatrix(shared, rows, [start]).data,
    edges,
  };
}

const unpaired = (block: Block, paired: readonly number[]): number[] => {
  const gone = new Set(paired);
  return block.sources.map((_, channel) => channel).filter((channel) => !gone.has(channel));
};

/** Some channels of a block, as a block. */
function take(block: Block, channels: readonly number[]): Block {
  return {
    tasks: block.tasks,
    sources: channels.map((channel) => block.sources[channel] ?? {}),
    bias: Float64Array.from(channels, (channel) => block.bias[channel] ?? 0),
    edges: new Map([...block.edges].map(([from, weight]) => [from, selectRows(weight, channels)])),
  };
}

interface Side {
  readonly block: Block;
  readonly moved: readonly number[];
  readonly stays: readonly number[];
}

/** Cuts a reader's weights on each side's channels into those on the channels that moved and those on the rest. */
function splitEdges(reader: Block, layer: NetworkLayer, tasks: TaskSet, sides: readonly Side[]): Block {
  const edges = new Map(reader.edges);
  for (const { block, moved, stays } of sides) {
    const weight = edges.get(block.tasks);
    if (!weight || !meets(reader.tasks, block.tasks)) continue;
    if (edges.has(tasks)) {
      throw new Error(
        `Cannot merge the channels that ${layer.shape.name} reads: it is already shared by both sides`,
      );
    }
    const { area } = layer.shape;
    edges.delete(block.tasks);
    if (stays.length > 0) edges.set(block.tasks, columnsOf(weight, stays, area));
    edges.set(tasks, columnsOf(weight, moved, area));
  }
  return { ...reader, edges };
}

/** The columns of some input channels, each `area` wide. */
function columnsOf(weight: Matrix, channels: readonly number[], area: number): Matrix {
  const rows = Array.from({ length: weight.rows }, (_, row) => row);
  return submatrix(
    weight,
    rows,
    channels.flatMap((channel) => Array.from({ length: area }, (_, k) => channel * area + k)),
  );
}

/** Incoming weights of a block's channels from some blocks, bias last: [channels, columns + 1]. */
export function weightsOf(block: Block, inputs: readonly InputBlock[]): Matrix {
  const rows = block.sources.length;
  const parts = inputs.map(({ tasks, columns }) => block.edges.get(tasks) ?? matrix(rows, columns));
  return beside([...parts, matrix(rows, 1, block.bias)], rows);
}
