import { Graph, int, ints, type Attribute } from '../onnx/graph.ts';
import { elementsOf } from './arrange.ts';
import {
  valueAt,
  type Channelwise,
  type Convolution,
  type Layer,
  type Step,
  type TaskNet,
} from './topology.ts';

type Net = Pick<TaskNet, 'topology' | 'widths' | 'weights'>;

/** One task's whole network as an ONNX graph: its steps, then its tail. It computes what the source network does. */
export function netGraph(net: TaskNet): Graph {
  const { topology, tail, task } = net;
  const graph = new Graph(task);
  const { name, dims } = topology.input;
  graph.inputs = [{ name, dtype: 'float32', dims: ['N', ...dims] }];
  const names = writeSteps(graph, net, topology.steps, new Map([[0, name]]));
  if (tail) appendTail(graph, tail, names);
  else {
    const output = topology.output ?? 0;
    const value = valueAt(topology, output);
    const answer = graph.fresh(task);
    graph.addNode('Identity', [names.get(output) ?? ''], [answer]);
    graph.outputs = [
      { name: answer, dtype: 'float32', dims: ['N', elementsOf(value, net.widths), ...value.size] },
    ];
  }
  return graph;
}

/** Adds a task's tail, reading the named values; its output becomes the graph's. */
export function appendTail(
  graph: Graph,
  { graph: tail, reads }: NonNullable<TaskNet['tail']>,
  names: ReadonlyMap<number, string>,
): void {
  const bound = tail.inputs.map(({ name }, index): [string, string] => [
    name,
    names.get(reads[index] ?? 0) ?? '',
  ]);
  graph.append(tail, `${graph.fresh('tail')}/`, new Map(bound));
}

/**
 * Writes steps of a network, one node or a few each.
 *
 * @param names the tensors that hold the values which the steps read and do not make
 * @returns the tensors of all values
 */
export function writeSteps(
  graph: Graph,
  net: Net,
  steps: readonly Step[],
  names: ReadonlyMap<number, string>,
): Map<number, string> {
  const writer = new StepWriter(graph, net, new Map(names));
  for (const step of steps) writer.write(step);
  return writer.names;
}

class StepWriter {
  readonly names: Map<number, string>;
  private readonly graph: Graph;
  private readonly net: Net;

  constructor(graph: Graph, net: Net, names: Map<number, string>) {
    this.graph = graph;
    this.net = net;
    this.names = names;
  }

  write(step: Step): void {
    this.names.set(step.output, this.valueOf(step));
  }

  private valueOf(step: Step): string {
    switch (step.kind) {
      case 'layer':
        return this.layer(step);
      case 'channelwise':
        return this.channelwise(step);
      case 'plain': {
        const inputs = step.inputs.map((input) => this.name(input));
        const scalars = step.scalars.map((value, index) =>
          value === null ? '' : this.floats(`${step.name}.${index}`, [], [value]),
        );
        return this.node(step.op, step.name, [...inputs, ...scalars], step.attributes);
      }
      case 'concat':
        return this.concat(
          step.name,
          step.inputs.map((input) => this.name(input)),
        );
      case 'select':
        return this.select(step);
      case 'flatten':
        return this.node('Flatten', step.name, [this.name(step.input)], { axis: int(1) });
      default:
        return step satisfies never;
    }
  }

  private layer({ name, input, convolution }: Layer): string {
    const { weight, bias } = this.weightsOf(name);
    const kernel = convolution?.kernel ?? [];
    const channels = elementsOf(valueAt(this.net.topology, input), this.net.widths);
    const dims = [weight.rows, convolution ? channels : weight.cols, ...kernel];
    const inputs = [
      this.name(input),
      this.floats(`${name}.weight`, dims, weight.data),
      this.floats(`${name}.bias`, [bias.length], bias),
    ];
    return convolution
      ? this.node('Conv', name, inputs, attributesOf(convolution))
      : this.node('Gemm', name, inputs, { transB: int(1) });
  }

  private channelwise({ name, input, convolution }: Channelwise): string {
    const { weight, bias } = this.weightsOf(name);
    const channels = weight.rows;
    if (convolution) {
      const inputs = [
        this.name(input),
        this.floats(`${name}.weight`, [channels, 1, ...convolution.kernel], weight.data),
        this.floats(`${name}.bias`, [channels], bias),
      ];
      return this.node('Conv', name, inputs, { ...attributesOf(convolution), group: int(channels) });
    }
    const dims = [channels, ...valueAt(this.net.topology, input).size.map(() => 1)];
    const scale = this.floats(`${name}.weight`, dims, weight.data);
    const shift = this.floats(`${name}.bias`, dims, bias);
    return this.node('Add', name, [this.node('Mul', `${name}.scale`, [this.name(input), scale]), shift]);
  }

  /** A slice for each run of neighbouring segments. */
  private select({ name, input, segments }: Step & { kind: 'select' }): string {
    const { topology, widths } = this.net;
    const ends: number[] = [];
    for (const segment of valueAt(topology, input).segments)
      ends.push((ends.at(-1) ?? 0) + elementsOf({ segments: [segment], size: [] }, widths));
    const runs: [number, number][] = [];
    for (const segment of segments) {
      const [start, end] = [ends[segment - 1] ?? 0, ends[segment] ?? 0];
      const last = runs.at(-1);
      if (last?.[1] === start) last[1] = end;
      else runs.push([start, end]);
    }
    const slices = runs.map(([start, end], index) => {
      const part = runs.length === 1 ? name : `${name}.${index}`;
      const borders = [start, end, 1].map((value, which) => this.integer(`${part}.${which}`, value));
      return this.node('Slice', part, [this.name(input), ...borders]);
    });
    const [only = ''] = slices;
    return slices.length === 1 ? only : this.concat(name, slices);
  }

  private concat(name: string, inputs: readonly string[]): string {
    return this.node('Concat', name, inputs, { axis: int(1) });
  }

  private node(
    op: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const output = this.graph.fresh(name);
    this.graph.addNode(op, inputs, [output], { ...attributes });
    return output;
  }

  private floats(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    const unique = this.graph.fresh(name);
    this.graph.initializers.set(unique, { dtype: 'float32', dims, data: new Float32Array(values) });
    return unique;
  }

  private integer(name: string, value: number): string {
    const unique = this.graph.fresh(name);
    this.graph.initializers.set(unique, { dtype: 'int64', dims: [1], data: BigInt64Array.of(BigInt(value)) });
    return unique;
  }

  private name(value: number): string {
    const name = this.names.get(value);
    if (name === undefined) throw new Error(`Cannot write value ${value}: nothing has computed it`);
    return name;
  }

  private weightsOf(name: string): {
    weight: { rows: number; cols: number; data: Float64Array };
    bias: Float64Array;
  } {
    const weights = this.net.weights.get(name);
    if (!weights) throw new Error(`Cannot write "${name}": it has no weights`);
    return weights;
  }
}

const attributesOf = ({ kernel, strides, pads, dilations }: Convolution): Record<string, Attribute> => ({
  kernel_shape: ints(kernel),
  strides: ints(strides),
  pads: ints(pads),
  dilations: ints(dilations),
});
