import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { matrix, type Matrix } from '../linalg/matrix.ts';
import { int, ints, type Graph } from '../onnx/graph.ts';
import { addPadding, bandsOf, overBands } from './bands.ts';
import { windowOf } from './channelGrams.ts';
import type { Network, WeightedStep } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { addUp, overSamples, samplesAtOnce, type GramOptions } from './overSamples.ts';
import { homesOf, ownOrder, TaskWriter } from './taskWriter.ts';
import { inputOf, kernelArea, valueAt, type Convolution, type Topology } from './topology.ts';
import { unfold } from './unfold.ts';

/**
 * What one task's outputs at a step lack of the untouched network's, channels and inputs in the order of the task's own
 * network. Where the step's output is the last term of a sum, it is what the sum lacks.
 */
export class Missing {
  private readonly network: Network;
  private readonly step: WeightedStep;
  private readonly data: Dataset;
  private readonly options: GramOptions;
  /** Inputs of one output position; of a channelwise step, of all channels. */
  private readonly inputs: number;
  private readonly channels: number;
  private readonly size: readonly number[];
  private readonly positions: number;
  private readonly writer: NetworkWriter;

  constructor(
    network: Network,
    untouched: Network,
    step: WeightedStep,
    task: number,
    data: Dataset,
    options: GramOptions,
  ) {
    const target = summedIn(network, step);
    const { size } = valueAt(network.topology, step.output);
    this.network = network;
    this.step = step;
    this.data = data;
    this.options = options;
    this.size = size;
    this.positions = elementCount(size);
    this.writer = new NetworkWriter(network, 'missing');
    const { graph } = this.writer;
    const input = this.writer.input(network.topology.input.name);
    const now = inOwnOrder(network, this.writer, task, input);
    this.inputs = now(step.input, 'read') * kernelArea(step);
    this.channels = now(target, 'now');
    const other = new NetworkWriter(untouched, 'untouched');
    const start = other.input(untouched.topology.input.name);
    inOwnOrder(untouched, other, task, start)(target, 'wanted');
    graph.append(other.finish(['wanted']), 'untouched.', new Map([[start, input]]));
    const [before] = graph.outputs.splice(0);
    graph.addNode('Sub', [before?.name ?? '', 'now'], ['lacking']);
  }

  /** Of every position of the first samples: [count, channels]. */
  async rows(count: number): Promise<Matrix> {
    const rows = matrix(count, this.channels);
    const samples = this.options.samples.subarray(0, count / this.positions);
    let at = 0;
    const lacking = lackingRows(this.writer.graph, 'lacking', this.size, this.channels);
    await this.overSamples([lacking], samples, (results) => {
      const [chunk] = Object.values(results);
      if (chunk?.dtype !== 'float32')
        throw new Error(`Cannot fit ${this.step.name}: nothing came of a chunk`);
      rows.data.set(chunk.data, at);
      at += chunk.data.length;
    });
    return rows;
  }

  /** The mean of what a layer reads, the constant 1 of the bias last, times what is lacking: [inputs + 1, channels]. */
  async moment(): Promise<Matrix> {
    const { inputs, channels, size } = this;
    const totals = { products: new Float64Array(inputs * channels), sums: new Float64Array(channels) };
    const count = await this.addUp(this.step.convolution, totals, (graph, columns, beside) => {
      const lacking = exact(graph, lackingRows(graph, beside, size, channels), 'lacking.exact');
      graph.addNode('MatMul', [exact(graph, columns, 'columns.exact'), lacking], ['products']);
      graph.addNode('ReduceSum', [lacking, graph.addIntegers('axis', [0])], ['sums'], { keepdims: int(0) });
    });
    const moment = matrix(inputs + 1, channels);
    moment.data.set(totals.products);
    moment.data.set(totals.sums, inputs * channels);
    for (let k = 0; k < moment.data.length; k += 1) moment.data[k] = (moment.data[k] ?? 0) / count;
    return moment;
  }

  /** The same for a step that reads every channel by itself, each with its own window: [channels, window + 1]. */
  async channelMoments(): Promise<Matrix> {
    const { inputs, channels, size } = this;
    const area = inputs / channels;
    if (this.step.kind !== 'channelwise') throw new TypeError(`${this.step.name} reads all channels`);
    const totals = { products: new Float64Array(inputs), sums: new Float64Array(channels) };
    const count = await this.addUp(windowOf(this.step, size), totals, (graph, columns, beside) => {
      const apart = graph.addIntegers('apart', [channels, area, -1]);
      graph.addNode('Reshape', [exact(graph, columns, 'columns.exact'), apart], ['windows']);
      const axes = size.map((_, axis) => axis + 2);
      graph.addNode('Transpose', [beside], ['lacking.first'], { perm: ints([1, 0, ...axes]) });
      const column = graph.addIntegers('column', [channels, -1, 1]);
      graph.addNode('Reshape', ['lacking.first', column], ['lacking.columns']);
      const lacking = exact(graph, 'lacking.columns', 'lacking.exact');
      graph.addNode('MatMul', ['windows', lacking], ['products']);
      graph.addNode('ReduceSum', [lacking, graph.addIntegers('axis', [1])], ['sums'], { keepdims: int(0) });
    });
    const moments = matrix(channels, area + 1);
    for (let channel = 0; channel < channels; channel += 1) {
      for (let k = 0; k < area; k += 1)
        moments.data[channel * (area + 1) + k] = (totals.products[channel * area + k] ?? 0) / count;
      moments.data[channel * (area + 1) + area] = (totals.sums[channel] ?? 0) / count;
    }
    return moments;
  }

  /**
   * @param write adds the totals to a graph, from the unfolded inputs [inputs, positions] and what is lacking there
   * @returns positions of all samples that were added up
   */
  private async addUp(
    convolution: Convolution | null,
    totals: Readonly<Record<string, Float64Array>>,
    write: (graph: Graph, columns: string, lacking: string) => void,
  ): Promise<number> {
    const { inputs, size, step, data, options, writer } = this;
    const { graph } = writer;
    const add = (results: Readonly<Record<string, Tensor>>): void => addUp(totals, results);
    const outputs = Object.keys(totals);
    const bands = bandsOf(inputs, convolution, size, options);
    if (bands) {
      const map = addPadding(graph, 'read', bands.convolution);
      const work = {
        ...{ map, beside: 'lacking' },
        write: (...of: Parameters<typeof write>) => {
          write(...of);
          return outputs;
        },
      };
      await overBands(writer.finish([map, 'lacking']), step.name, data, bands, work, options, add);
    } else {
      write(graph, unfold(graph, 'read', convolution, size, inputs), 'lacking');
      await this.overSamples(outputs, options.samples, add);
    }
    return options.samples.length * this.positions;
  }

  private async overSamples(
    outputs: readonly string[],
    samples: Uint32Array,
    take: (results: Readonly<Record<string, Tensor>>) => void,
  ): Promise<void> {
    const chunk = samplesAtOnce(this.network, this.inputs, this.positions);
    const graph = this.writer.finish(outputs);
    await overSamples(graph, this.step.name, this.data, chunk, { ...this.options, samples }, take);
  }
}

/** What is lacking as one row a position: [samples * positions, channels]. */
function lackingRows(graph: Graph, lacking: string, size: readonly number[], channels: number): string {
  const axes = size.map((_, axis) => axis + 2);
  graph.addNode('Transpose', [lacking], ['lacking.last'], { perm: ints([0, ...axes, 1]) });
  const shape = graph.addIntegers('lacking.shape', [-1, channels]);
  graph.addNode('Reshape', ['lacking.last', shape], ['lacking.rows']);
  return 'lacking.rows';
}

/** A value in float64. */
function exact(graph: Graph, value: string, name: string): string {
  graph.addNode('Cast', [value], [name], { to: int(11) });
  return name;
}

/** Writes values of one task with the channels in the order of its own network, and says how many they are. */
function inOwnOrder(
  network: Network,
  writer: NetworkWriter,
  task: number,
  input: string,
): (value: number, name: string) => number {
  const reader = new TaskWriter(writer, network, task, { input: () => input });
  return (value, name) => {
    const homes = homesOf(network, value, task);
    const order = ownOrder(network, value, task, homes);
    writer.gather(reader.joined(value, homes), order, name);
    return order.length;
  };
}

/** The value of the sum in which a step's output is the last term, where nothing else reads it; else the output itself. */
export function summedIn(
  { topology, tails }: Pick<Network, 'topology' | 'tails'>,
  step: WeightedStep,
): number {
  const { steps, output } = topology;
  const read = new Set([output, ...tails.flatMap((tail) => tail?.reads ?? [])]);
  const last = steps.indexOf(step);
  let value = step.output;
  for (;;) {
    const [sum, ...others] = steps.filter((each) => inputOf(each).includes(value));
    if (!sum || others.length > 0 || read.has(value) || sum.kind !== 'plain' || sum.op !== 'Add')
      return value;
    const terms = sum.inputs.filter((term) => term !== value);
    const isLast = terms.every((term) => steps.findIndex((each) => each.output === term) < last);
    if (terms.length === 0 || !isLast || !isAlike(topology, value, sum.output)) return value;
    value = sum.output;
  }
}

/** Whether two values have the same channels and size. */
function isAlike(topology: Topology, one: number, other: number): boolean {
  const [a, b] = [valueAt(topology, one), valueAt(topology, other)];
  return (
    a.size.join() === b.size.join() &&
    a.segments.length === b.segments.length &&
    a.segments.every(({ group, area }, k) => b.segments[k]?.group === group && b.segments[k].area === area)
  );
}
