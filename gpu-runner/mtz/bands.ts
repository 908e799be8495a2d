import type { Dataset } from '../engine/dataset.ts';
import { createSession, type Session } from '../engine/session.ts';
import { Graph } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import { elementCount, type Tensor } from '../../shared/tensor.ts';
import { overSamples, type GramOptions } from './overSamples.ts';
import type { Convolution } from './topology.ts';
import { unfold } from './unfold.ts';

/** Bytes of one sample's unfolded inputs above which they are computed in bands. */
const sampleBytes = 256 * 2 ** 20;

/** Bands of output rows (places along the first spatial axis): what is unfolded at once of maps whose patches do not fit. */
export interface Bands {
  /** Of one output position: channels times the kernel's area. */
  readonly inputs: number;
  readonly convolution: Convolution;
  readonly outputSize: readonly number[];
  readonly rowsAtOnce: number;
}

/** How a sample is unfolded in bands; null where it fits as a whole, or is no map. */
export function bandsOf(
  inputs: number,
  convolution: Convolution | null,
  outputSize: readonly number[],
  { unfoldedBytes = sampleBytes }: Pick<GramOptions, 'unfoldedBytes'>,
): Bands | null {
  if (!convolution || 8 * inputs * elementCount(outputSize) <= unfoldedBytes) return null;
  const rowBytes = 8 * inputs * elementCount(outputSize.slice(1));
  const rowsAtOnce = Math.max(1, Math.floor(unfoldedBytes / rowBytes));
  return { inputs, convolution, outputSize, rowsAtOnce };
}

/** What is computed of every band. */
export interface BandWork {
  /** Of the graph over samples: the map that is unfolded, [samples, channels, ...size], padded already. */
  readonly map: string;
  /** Of the graph over samples too: a map of the output's size, of which a band reads its own rows. */
  readonly beside?: string;
  /**
   * Adds to a band's graph what is made of its columns [inputs, positions], and of the rows beside them.
   *
   * @returns the outputs
   */
  readonly write: (graph: Graph, columns: string, beside: string) => readonly string[];
}

/**
 * Runs a graph over samples one by one, and unfolds what it puts out in bands.
 *
 * @param take what becomes of a band's results, the top one of each sample first
 * @throws {Error} when there are no samples.
 */
export async function overBands(
  graph: Graph,
  name: string,
  data: Dataset,
  bands: Bands,
  { map, beside, write }: BandWork,
  options: GramOptions,
  take: (results: Readonly<Record<string, Tensor>>) => void,
): Promise<void> {
  const [height = 1] = bands.outputSize;
  const { kernel, strides, dilations } = bands.convolution;
  const [stride = 1, reach] = [strides[0], ((kernel[0] ?? 1) - 1) * (dilations[0] ?? 1) + 1];
  /** By how many output rows they do. */
  const sessions = new Map<number, Session>();
  try {
    await overSamples(graph, name, data, 1, options, async (results) => {
      for (let top = 0; top < height; top += bands.rowsAtOnce) {
        options.signal?.throwIfAborted();
        const rows = Math.min(bands.rowsAtOnce, height - top);
        const feeds: Record<string, Tensor> = {
          map: rowsOf(results[map], top * stride, (top + rows - 1) * stride + reach),
          ...(beside !== undefined && { beside: rowsOf(results[beside], top, top + rows) }),
        };
        const session =
          sessions.get(rows) ?? (await createSession(bandGraph(bands, rows, feeds, write), options));
        sessions.set(rows, session);
        take(await session.run(feeds));
      }
    });
  } finally {
    for (const session of sessions.values()) await session.release();
  }
}

/** Of `rows` output rows, without weights. */
function bandGraph(
  { inputs, convolution, outputSize }: Bands,
  rows: number,
  feeds: Readonly<Record<string, Tensor>>,
  write: BandWork['write'],
): Graph {
  const graph = new Graph('band');
  graph.inputs = Object.entries(feeds).map(([name, { dims }]) => {
    return { name, dtype: 'float32', dims: ['N', ...dims.slice(1)] };
  });
  const unpadded = { ...convolution, pads: convolution.pads.map(() => 0) };
  const columns = unfold(graph, 'map', unpadded, [rows, ...outputSize.slice(1)], inputs);
  const outputs = write(graph, columns, 'beside');
  const types = inferShapes(graph);
  graph.outputs = outputs.map((name) => {
    const type = types.get(name);
    if (!type) throw new Error(`Cannot put out "${name}": its type is not known`);
    return { name, ...type };
  });
  return graph;
}

/** Rows [start, end) of the first spatial axis. */
function rowsOf(map: Tensor | undefined, start: number, end: number): Tensor {
  if (map?.dtype !== 'float32') throw new Error('Cannot unfold a map: it is not float32');
  const [batch = 1, channels = 1, height = 1, ...rest] = map.dims;
  const width = elementCount(rest);
  const data = new Float32Array(batch * channels * (end - start) * width);
  for (let plane = 0; plane < batch * channels; plane += 1) {
    const from = map.data.subarray((plane * height + start) * width, (plane * height + end) * width);
    data.set(from, plane * (end - start) * width);
  }
  return { dtype: 'float32', dims: [batch, channels, end - start, ...rest], data };
}

/** Adds the padding of a convolution to a graph. @returns the padded value */
export function addPadding(graph: Graph, value: string, { pads }: Convolution): string {
  const rank = pads.length / 2;
  const all = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
  const name = graph.fresh(`${value}.padded`);
  graph.addNode('Pad', [value, graph.addIntegers(`${name}.pads`, all)], [name]);
  return name;
}
