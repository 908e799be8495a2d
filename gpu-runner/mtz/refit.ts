import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { cholesky, choleskySolve } from '../linalg/cholesky.ts';
import { matrix, transpose, type Matrix } from '../linalg/matrix.ts';
import { int, ints } from '../onnx/graph.ts';
import { backThrough, isFactored, samplesSystem, type FactoredGram } from './factoredGram.ts';
import { inputsOf } from './gram.ts';
import { sampleOf, type MeasureContext } from './measurements.ts';
import {
  blockOf,
  columnsOf,
  inputsFor,
  keyOf,
  roundedValues,
  rounded,
  rowsOf,
  type Network,
  type Part,
  type Rows,
} from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { addUp, overSamples, type GramOptions } from './overSamples.ts';
import { measureStep } from './stepGrams.ts';
import { ownColumns } from './taskGram.ts';
import { contains, single } from './taskSet.ts';
import { homesOf, ownOrder, TaskWriter } from './taskWriter.ts';
import { inputOf, valueAt, type Layer, type Topology } from './topology.ts';
import { unfold } from './unfold.ts';

/**
 * Every layer that reads a step's output, through whatever has no weights in between or reads every channel by itself, in
 * the order in which they are computed.
 */
export function layersReading({ steps }: Topology, output: number): Layer[] {
  const reached = new Set([output]);
  const found: Layer[] = [];
  for (const step of steps) {
    if (!inputOf(step).some((value) => reached.has(value))) continue;
    if (step.kind === 'layer') found.push(step);
    else reached.add(step.output);
  }
  return found;
}

/**
 * Fits a layer's weights that are still every task's own to what the untouched network puts out there, on what the layer
 * reads now: w + H^-1 E[x (y - w x)'], with x what it reads, y what it is to put out and H the damped Gram matrix of x.
 * What merging changed before the layer is made up for as well as the layer can.
 *
 * PLeaS (Nasery et al. 2024) fits merged layers to their sources' outputs by least squares; here every task's weights are
 * fitted before they are merged, which comes to the same and leaves the pairing exact.
 *
 * @param untouched the networks before anything was shared, of the same topology and tasks
 * @returns the network; parts that several tasks use are left as they are
 */
export async function refitLayer(
  network: Network,
  untouched: Network,
  step: Layer,
  context: MeasureContext,
): Promise<Network> {
  let rows = rowsOf(network, step);
  for (const [task, source] of context.sources.entries()) {
    if (!rows.some((each) => each.parts.some(({ use }) => use === single(task)))) continue;
    const { provider, signal, recipe, gramBytes } = context;
    const samples = sampleOf(network, step, task, source, recipe);
    const options = { samples, provider, signal, damping: recipe.damping, weight: 1, gramBytes };
    const measured = await measureStep(network, step, task, source.train, options);
    if (measured.kind !== 'layer') throw new TypeError(`Cannot fit ${step.name}: it is not a layer`);
    const missing = new Missing(network, untouched, step, task);
    const change = isFactored(measured.gram)
      ? await fitSamples(measured.gram, missing, source.train, options)
      : await choleskySolve(await cholesky(measured.gram), await missing.moment(source.train, options));
    rows = changed(network, step, rows, task, change);
  }
  return { ...network, rows: new Map(network.rows).set(step.name, rows) };
}

/** Bytes of unfolded inputs computed at once, where more than one sample is. */
const chunkBytes = 64 * 2 ** 20;

/** What the outputs of one task at a layer lack of the untouched network's, channels in the order of the task's own network. */
class Missing {
  readonly #step: Layer;
  readonly #inputs: number;
  readonly #channels: number;
  readonly #size: readonly number[];
  readonly #positions: number;
  readonly #places: Uint32Array;
  readonly #writer: NetworkWriter;
  /** What the layer reads, as tensors lie. */
  readonly #read: string;

  constructor(network: Network, untouched: Network, step: Layer, task: number) {
    const { size } = valueAt(network.topology, step.output);
    this.#step = step;
    this.#inputs = inputsOf(network, step, task);
    this.#size = size;
    this.#positions = elementCount(size);
    this.#places = ownColumns(network, step, task);
    this.#writer = new NetworkWriter(network, 'missing');
    const { graph } = this.#writer;
    const input = this.#writer.input(network.topology.input.name);
    const reader = new TaskWriter(this.#writer, network, task, { input: () => input });
    this.#read = reader.joined(step.input, homesOf(network, step.input, task));
    const homes = homesOf(network, step.output, task);
    const order = ownOrder(network, step.output, task, homes);
    this.#channels = order.length;
    this.#writer.gather(reader.joined(step.output, homes), order, 'now');
    const wanted = outputGraph(untouched, step, task);
    graph.append(wanted, 'untouched.', new Map([[wanted.inputs[0]?.name ?? '', input]]));
    const [before] = graph.outputs.splice(0);
    graph.addNode('Sub', [before?.name ?? '', 'now'], ['lacking']);
    const axes = size.map((_, axis) => axis + 2);
    graph.addNode('Transpose', ['lacking'], ['lacking.last'], { perm: ints([0, ...axes, 1]) });
    const shape = this.#integers('lacking.shape', [-1, order.length]);
    graph.addNode('Reshape', ['lacking.last', shape], ['lacking.rows']);
  }

  /** Of every position of the first samples: [count, channels]. */
  async rows(count: number, data: Dataset, options: GramOptions): Promise<Matrix> {
    const rows = matrix(count, this.#channels);
    const samples = options.samples.subarray(0, count / this.#positions);
    let at = 0;
    await this.#over(['lacking.rows'], data, { ...options, samples }, ({ 'lacking.rows': chunk }) => {
      if (chunk?.dtype !== 'float32')
        throw new Error(`Cannot fit ${this.#step.name}: nothing came of a chunk`);
      rows.data.set(chunk.data, at);
      at += chunk.data.length;
    });
    return rows;
  }

  /** The mean of what is read, the constant 1 of the bias last, times what is lacking: [inputs + 1, channels]. */
  async moment(data: Dataset, options: GramOptions): Promise<Matrix> {
    const { graph } = this.#writer;
    const [inputs, channels] = [this.#inputs, this.#channels];
    const columns = unfold(graph, this.#read, this.#step.convolution, this.#size, inputs);
    graph.addNode('Cast', [columns], ['columns.exact'], { to: int(11) });
    graph.addNode('Cast', ['lacking.rows'], ['lacking.exact'], { to: int(11) });
    graph.addNode('MatMul', ['columns.exact', 'lacking.exact'], ['products']);
    const axis = this.#integers('lacking.axis', [0]);
    graph.addNode('ReduceSum', ['lacking.exact', axis], ['sums'], { keepdims: int(0) });
    const totals = { products: new Float64Array(inputs * channels), sums: new Float64Array(channels) };
    await this.#over(['products', 'sums'], data, options, (results) => addUp(totals, results));

    const count = options.samples.length * this.#positions;
    const moment = matrix(inputs + 1, channels);
    for (const [index, place] of [...this.#places, inputs].entries()) {
      const from = index === inputs ? totals.sums : totals.products.subarray(index * channels);
      for (let k = 0; k < channels; k += 1) moment.data[place * channels + k] = (from[k] ?? 0) / count;
    }
    return moment;
  }

  async #over(
    outputs: readonly string[],
    data: Dataset,
    options: GramOptions,
    take: (results: Readonly<Record<string, Tensor>>) => void,
  ): Promise<void> {
    const bytes = 8 * this.#inputs * this.#positions;
    const chunk = Math.max(1, Math.min(256, Math.floor(chunkBytes / bytes)));
    await overSamples(this.#writer.finish(outputs), this.#step.name, data, chunk, options, take);
  }

  #integers(name: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    this.#writer.graph.initializers.set(name, { dtype: 'int64', dims: [values.length], data });
    return name;
  }
}

/** The same where few samples stand for the Gram matrix X'X + damping: X' (X X' + damping)^-1 times what they lack. */
async function fitSamples(
  gram: FactoredGram,
  missing: Missing,
  data: Dataset,
  options: GramOptions,
): Promise<Matrix> {
  const [factor] = gram.factors;
  if (!factor || factor.rows === 0) throw new Error('Cannot fit a layer: there are no samples');
  const lacking = await missing.rows(factor.rows, data, options);
  // As the factor's rows are: each by the root of its share.
  const root = 1 / Math.sqrt(lacking.rows);
  for (let k = 0; k < lacking.data.length; k += 1) lacking.data[k] = root * (lacking.data[k] ?? 0);
  const system = await cholesky(await samplesSystem(gram.factors, gram.damping));
  return transpose(await backThrough(gram.factors, await choleskySolve(system, lacking)));
}

/** What a task's own network puts out at a layer, its channels in its own order. */
function outputGraph(untouched: Network, step: Layer, task: number): NetworkWriter['graph'] {
  const writer = new NetworkWriter(untouched, 'untouched');
  const input = writer.input(untouched.topology.input.name);
  const reader = new TaskWriter(writer, untouched, task, { input: () => input });
  const homes = homesOf(untouched, step.output, task);
  writer.gather(reader.joined(step.output, homes), ownOrder(untouched, step.output, task, homes), 'wanted');
  return writer.finish(['wanted']);
}

/** The parts that are one task's own, each changed by its columns of `change` [inputs + 1, channels]. */
function changed(network: Network, step: Layer, rows: readonly Rows[], task: number, change: Matrix): Rows[] {
  const inputs = inputsFor(network, step, single(task));
  const places = ownColumns(network, step, task);
  const columns = columnsOf(inputs);
  const group = valueAt(network.topology, step.output).segments[0]?.group ?? -1;
  const name = network.tasks[task] ?? '';
  const ofPart = (part: Part, channels: readonly number[]): Part => {
    if (part.use !== single(task)) return part;
    const own = part.inputs.flatMap((block) => columns.get(keyOf(block)) ?? []).map((at) => places[at] ?? 0);
    const weight = matrix(part.weight.rows, part.weight.cols, part.weight.data.slice());
    const bias = part.bias?.slice() ?? null;
    for (const [row, channel] of channels.entries()) {
      for (const [col, place] of own.entries()) {
        const at = row * weight.cols + col;
        weight.data[at] = (weight.data[at] ?? 0) + (change.data[place * change.cols + channel] ?? 0);
      }
      if (bias) bias[row] = (bias[row] ?? 0) + (change.data[places.length * change.cols + channel] ?? 0);
    }
    return { ...part, weight: rounded(weight), bias: bias && roundedValues(bias) };
  };
  return rows.map((each) => {
    if (!contains(each.tasks, single(task))) return each;
    const sources = blockOf(network, group, each.tasks)?.sources ?? [];
    const channels = sources.map((source) => source[name] ?? 0);
    return { ...each, parts: each.parts.map((part) => ofPart(part, channels)) };
  });
}
