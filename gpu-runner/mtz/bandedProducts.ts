import type { Provider } from '../engine/providers.ts';
import { createSession, type Session } from '../engine/session.ts';
import { Graph } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { Tensor } from '../../shared/tensor.ts';
import { addUp } from './overSamples.ts';
import { symmetricProducts, writeProducts, type SymmetricProducts } from './symmetricProducts.ts';
import type { Convolution } from './topology.ts';
import { unfold } from './unfold.ts';

/**
 * Adds up the products of a convolution's patches in bands of output rows: for maps so large that the patches of a single
 * sample do not fit.
 */
export class BandedProducts {
  readonly products: SymmetricProducts;
  private readonly inputs: number;
  private readonly convolution: Convolution;
  private readonly outputSize: readonly number[];
  private readonly rowsAtOnce: number;
  private readonly provider: Provider;
  /** By how many output rows they do; without weights. */
  private readonly sessions = new Map<number, Session>();

  /**
   * @param inputs of one output position: channels times the kernel's area
   * @param rowsAtOnce output rows (places along the first spatial axis) of a band
   */
  constructor(
    inputs: number,
    convolution: Convolution,
    outputSize: readonly number[],
    rowsAtOnce: number,
    provider: Provider,
  ) {
    this.products = symmetricProducts(inputs);
    this.inputs = inputs;
    this.convolution = convolution;
    this.outputSize = outputSize;
    this.rowsAtOnce = rowsAtOnce;
    this.provider = provider;
  }

  /** @param map [samples, channels, ...size], padded already */
  async add(map: Tensor | undefined, totals: Readonly<Record<string, Float64Array>>): Promise<void> {
    if (map?.dtype !== 'float32') throw new Error('Cannot unfold a map: it is not float32');
    const { kernel, strides, dilations } = this.convolution;
    const [stride = 1, reach] = [strides[0], ((kernel[0] ?? 1) - 1) * (dilations[0] ?? 1) + 1];
    const [height = 1] = this.outputSize;
    for (let top = 0; top < height; top += this.rowsAtOnce) {
      const rows = Math.min(this.rowsAtOnce, height - top);
      const band = rowsOf(map, top * stride, (top + rows - 1) * stride + reach);
      addUp(totals, await (await this.session(rows, band.dims)).run({ map: band }));
    }
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
  }

  private async session(rows: number, dims: readonly number[]): Promise<Session> {
    const known = this.sessions.get(rows);
    if (known) return known;
    const graph = new Graph('band');
    graph.inputs = [{ name: 'map', dtype: 'float32', dims: ['N', ...dims.slice(1)] }];
    const unpadded = { ...this.convolution, pads: this.convolution.pads.map(() => 0) };
    const size = [rows, ...this.outputSize.slice(1)];
    writeProducts(graph, unfold(graph, 'map', unpadded, size, this.inputs), this.products);
    const types = inferShapes(graph);
    graph.outputs = [...this.products.blocks, ...this.products.sums].map(({ name }) => {
      const type = types.get(name);
      if (!type) throw new Error(`Cannot put out "${name}": its type is not known`);
      return { name, ...type };
    });
    const session = await createSession(graph, { provider: this.provider });
    this.sessions.set(rows, session);
    return session;
  }
}

/** Rows [start, end) of the first spatial axis. */
function rowsOf(map: Tensor & { dtype: 'float32' }, start: number, end: number): Tensor {
  const [batch = 1, channels = 1, height = 1, ...rest] = map.dims;
  const width = rest.reduce((product, extent) => product * extent, 1);
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
