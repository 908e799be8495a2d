import { elementCount } from '../../../shared/tensor.ts';
import { matrix, row, type Matrix } from '../../linalg/matrix.ts';
import { ChannelAxes, type Stretch } from '../groups.ts';
import type { Attribute } from '../../onnx/graph.ts';
import type { Convolution, Weights } from '../topology.ts';
import { Unreadable } from './unreadable.ts';

export interface DraftValue {
  readonly stretches: readonly Stretch[];
  readonly size: readonly number[];
}

interface Named {
  readonly name: string;
  readonly output: number;
}

/** A step as the file has it: layers of several groups, whose channels are not cut into segments yet. */
export type DraftStep =
  | (Named & {
      readonly kind: 'layer';
      readonly input: number;
      readonly convolution: Convolution | null;
      /** Equal parts of input and output channels that do not see each other. */
      readonly groups: number;
    })
  | (Named & {
      readonly kind: 'channelwise';
      readonly input: number;
      readonly convolution: Convolution | null;
      readonly perTask: boolean;
    })
  | (Named & {
      readonly kind: 'plain';
      readonly inputs: readonly number[];
      readonly op: string;
      readonly attributes: Readonly<Record<string, Attribute>>;
      readonly scalars: readonly (number | null)[];
    })
  | (Named & { readonly kind: 'concat'; readonly inputs: readonly number[] })
  | (Named & {
      readonly kind: 'select';
      readonly input: number;
      /** Elements of the channel axis. */
      readonly start: number;
      readonly end: number;
    })
  | (Named & { readonly kind: 'flatten'; readonly input: number });

type Unmade<Step> = Step extends DraftStep ? Omit<Step, 'output'> : never;

/** A network while it is read. Value 0 is its input. */
export class Draft {
  readonly axes = new ChannelAxes();
  readonly values: DraftValue[] = [];
  readonly steps: DraftStep[] = [];
  /** By output value: of layers and channelwise steps. */
  readonly weights = new Map<number, Weights>();
  /** Values that are another with zeros around it, [all beginnings, all ends]. */
  readonly paddings = new Map<number, { readonly input: number; readonly pads: readonly number[] }>();
  /** By output value, of batch normalisations that are steps of their own: the deviation of what they read, by channel. */
  readonly deviations = new Map<number, Float64Array>();
  private readonly makers = new Map<number, DraftStep>();

  constructor(inputDims: readonly number[]) {
    const [channels = 1, ...size] = inputDims;
    this.values.push({ stretches: [{ axis: this.axes.add(channels, true), area: 1 }], size });
  }

  value(index: number): DraftValue {
    const value = this.values[index];
    if (!value) throw new RangeError(`Cannot find value ${index} of ${this.values.length}`);
    return value;
  }

  /** Elements along the channel axis. */
  elements(index: number): number {
    return this.axes.elements(this.value(index).stretches);
  }

  maker(index: number): DraftStep | undefined {
    return this.makers.get(index);
  }

  layer(
    step: { name: string; input: number; convolution: Convolution | null; groups: number },
    size: readonly number[],
    weights: Weights,
  ): number {
    const channels = weights.bias.length;
    const stretches = [{ axis: this.axes.add(channels), area: 1 }];
    for (let group = 1; group < step.groups; group += 1) {
      this.cut(this.value(step.input).stretches, (group * this.elements(step.input)) / step.groups);
      this.cut(stretches, (group * channels) / step.groups);
    }
    return this.add({ kind: 'layer', ...step }, stretches, size, weights);
  }

  channelwise(
    step: { name: string; input: number; convolution: Convolution | null; perTask: boolean },
    size: readonly number[],
    weights: Weights,
  ): number {
    return this.add({ kind: 'channelwise', ...step }, this.value(step.input).stretches, size, weights);
  }

  /** @throws {Unreadable} when the inputs' channels do not correspond. */
  plain(
    name: string,
    op: string,
    inputs: readonly number[],
    size: readonly number[],
    settings: {
      attributes?: Readonly<Record<string, Attribute>>;
      scalars?: readonly (number | null)[];
    } = {},
  ): number {
    const [first = 0, ...others] = inputs;
    const { stretches } = this.value(first);
    for (const other of others) {
      const reason = this.axes.tie(stretches, this.value(other).stretches);
      if (reason !== null) throw new Unreadable(reason);
    }
    const { attributes = {}, scalars = [] } = settings;
    return this.add({ kind: 'plain', name, op, inputs, attributes, scalars }, stretches, size);
  }

  concat(name: string, inputs: readonly number[]): number {
    const [first = 0] = inputs;
    const stretches = inputs.flatMap((input) => this.value(input).stretches);
    return this.add({ kind: 'concat', name, inputs }, stretches, this.value(first).size);
  }

  /** @throws {Unreadable} when the channels cannot be cut there. */
  select(name: string, input: number, start: number, end: number): number {
    const { stretches, size } = this.value(input);
    this.cut(stretches, start);
    this.cut(stretches, end);
    let at = 0;
    const selected = this.axes.pieces(stretches).filter(({ axis, area }) => {
      const from = at;
      at += this.axes.channels(axis) * area;
      return from >= start && at <= end;
    });
    return this.add({ kind: 'select', name, input, start, end }, selected, size);
  }

  flatten(name: string, input: number): number {
    const { stretches, size } = this.value(input);
    const positions = elementCount(size);
    const flat = stretches.map(({ axis, area }) => ({ axis, area: area * positions }));
    return this.add({ kind: 'flatten', name, input }, flat, []);
  }

  /** Lets the step that makes a value scale and shift its channels as well. */
  rescale(output: number, scale: Float64Array, shift: Float64Array): void {
    this.paddings.delete(output);
    const { weight, bias } = this.weightsOf(output);
    const scaled = matrix(weight.rows, weight.cols, weight.data.slice());
    for (let channel = 0; channel < weight.rows; channel += 1)
      multiplyBy(row(scaled, channel), scale[channel] ?? 1);
    const moved = bias.map((value, channel) => value * (scale[channel] ?? 1) + (shift[channel] ?? 0));
    this.weights.set(output, { weight: scaled, bias: moved });
  }

  /** Lets a channelwise step do what it did now that the channels it reads are scaled. */
  unscaleInput(output: number, scale: Float64Array): void {
    const { weight, bias } = this.weightsOf(output);
    const unscaled = matrix(weight.rows, weight.cols, weight.data.slice());
    for (let channel = 0; channel < weight.rows; channel += 1)
      multiplyBy(row(unscaled, channel), 1 / (scale[channel] ?? 1));
    this.weights.set(output, { weight: unscaled, bias });
  }

  weightsOf(output: number): { weight: Matrix; bias: Float64Array } {
    const weights = this.weights.get(output);
    if (!weights) throw new RangeError(`Cannot find the weights of value ${output}`);
    return weights;
  }

  private cut(stretches: readonly Stretch[], element: number): void {
    const reason = this.axes.cutAt(stretches, element);
    if (reason !== null) throw new Unreadable(reason);
  }

  private add(
    step: Unmade<DraftStep>,
    stretches: readonly Stretch[],
    size: readonly number[],
    weights?: Weights,
  ): number {
    const output = this.values.length;
    const made: DraftStep = { ...step, output };
    this.values.push({ stretches, size });
    this.steps.push(made);
    this.makers.set(output, made);
    if (weights) this.weights.set(output, weights);
    return output;
  }
}

function multiplyBy(values: Float64Array, factor: number): void {
  for (let index = 0; index < values.length; index += 1) values[index] = (values[index] ?? 0) * factor;
}
