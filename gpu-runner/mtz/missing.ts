import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Dataset } from '../engine/dataset.ts';
import { matrix, type Matrix } from '../linalg/matrix.ts';
import { int, ints } from '../onnx/graph.ts';
import { windowOf } from './channelGrams.ts';
import type { Network, WeightedStep } from './network.ts';
import { NetworkWriter } from './networkWriter.ts';
import { addUp, overSamples, type GramOptions } from './overSamples.ts';
import { homesOf, ownOrder, TaskWriter } from './taskWriter.ts';
import { inputOf, kernelArea, valueAt, type Topology } from './topology.ts';
import { unfold } from './unfold.ts';

/** Bytes of unfolded inputs computed at once, where more than one sample is. */
const chunkBytes = 64 * 2 ** 20;

/**
 * What one task's outputs at a step lack of the untouched network's, channels and inputs in the order of the task's own
 * network. Where the step's output is the last term of a sum, it is what the sum lacks.
 */
export class Missing {
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
    await this.overSamples([this.lackingRows()], samples, (results) => {
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
    const { inputs, channels } = this;
    const { graph } = this.writer;
    const columns = unfold(graph, 'read', this.step.convolution, this.size, inputs);
    this.exact(columns, 'columns.exact');
    const lacking = this.exact(this.lackingRows(), 'lacking.exact');
    graph.addNode('MatMul', ['columns.exact', lacking], ['products']);
    graph.addNode('ReduceSum', [lacking, graph.addIntegers('axis', [0])], ['sums'], { keepdims: int(0) });
    const totals = { products: new Float64Array(inputs * channels), sums: new Float64Array(channels) };
    const count = await this.addUp(totals);
    const moment = matrix(inputs + 1, channels);
    moment.data.set(totals.products);
    moment.data.set(totals.sums, inputs * channels);
    for (let k = 0; k < moment.data.length; k += 1) moment.data[k] = (moment.data[k] ?? 0) / count;
    return moment;
  }

  /** The same for a step that reads every channel by itself, each with its own window: [channels, window + 1]. */
  async channelMoments(): Promise<Matrix> {
    const { inputs, channels } = this;
    const area = inputs / channels;
    const { graph } = this.writer;
    if (this.step.kind !== 'channelwise') throw new TypeError(`${this.step.name} reads all channels`);
    const columns = unfold(graph, 'read', windowOf(this.step, this.size), this.size, inputs);
    const apart = graph.addIntegers('apart', [channels, area, -1]);
    graph.addNode('Reshape', [this.exact(columns, 'columns.exact'), apart], ['windows']);
    const axes = this.size.map((_, axis) => axis + 2);
    graph.addNode('Transpose', ['lacking'], ['lacking.first'], { perm: ints([1, 0, ...axes]) });
    graph.addNode(
      'Reshape',
      ['lacking.first', graph.addIntegers('column', [channels, -1, 1])],
      ['lacking.columns'],
    );
    const lacking = this.exact('lacking.columns', 'lacking.exact');
    graph.addNode('MatMul', ['windows', lacking], ['products']);
    graph.addNode('ReduceSum', [lacking, graph.addIntegers('axis', [1])], ['sums'], { keepdims: int(0) });
    const totals = { products: new Float64Array(inputs), sums: new Float64Array(channels) };
    const count = await this.addUp(totals);
    const moments = matrix(channels, area + 1);
    for (let channel = 0; channel < channels; channel += 1) {
      for (let k = 0; k < area; k += 1)
        moments.data[channel * (area + 1) + k] = (totals.products[channel * area + k] ?? 0) / count;
      moments.data[channel * (area + 1) + area] = (totals.sums[channel] ?? 0) / count;
    }
    return moments;
  }

  /** What is lacking as one row a position: [samples * positions, channels]. */
  private lackingRows(): string {
    const { graph } = this.writer;
    const axes = this.size.map((_, axis) => axis + 2);
    graph.addNode('Transpose', ['lacking'], ['lacking.last'], { perm: ints([0, ...axes, 1]) });
    const shape = graph.addIntegers('lacking.shape', [-1, this.channels]);
    graph.addNode('Reshape', ['lacking.last', shape], ['lacking.rows']);
    return 'lacking.rows';
  }

  private exact(value: string, name: string): string {
    this.writer.graph.addNode('Cast', [value], [name], { to: int(11) });
    return name;
  }

  /** @returns positions of all samples that were added up */
  private async addUp(totals: Readonly<Record<string, Float64Array>>): Promise<number> {
    const { samples } = this.options;
    await this.overSamples(Object.keys(totals), samples, (results) => addUp(totals, results));
    return samples.length * this.positions;
  }

  private async overSamples(
    outputs: readonly string[],
    samples: Uint32Array,
    take: (results: Readonly<Record<string, Tensor>>) => void,
  ): Promise<void> {
    const bytes = 8 * this.inputs * this.positions;
    const chunk = Math.max(1, Math.min(256, Math.floor(chunkBytes / bytes)));
    const graph = this.writer.finish(outputs);
    await overSamples(graph, this.step.name, this.data, chunk, { ...this.options, samples }, take);
  }
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
