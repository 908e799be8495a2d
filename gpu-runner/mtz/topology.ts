/**
 * A network as zipping sees it: values whose channels fall into groups, and steps from value to value. Networks that are
 * zipped have one topology; how wide each group is and what the weights are differs from task to task.
 */
import type { Matrix } from '../linalg/matrix.ts';
import type { Attribute, Graph } from '../onnx/graph.ts';

/**
 * Channels that can only be shared together: the outputs of one layer, or of several whose results are added. Its
 * channels may be reordered in every place where they appear at once.
 */
export interface Group {
  /** From the first layer that puts it out. */
  readonly name: string;
  /** Why its channels stay every task's own, or null when they can be shared. */
  readonly pinned: string | null;
}

/** The samples' own channels: one block that all tasks read. */
export const inputGroup = 0;

/** A stretch of a value's channel axis: the channels of one group, `area` elements each. */
export interface Segment {
  readonly group: number;
  /** 1, or the positions of the map that was flattened. */
  readonly area: number;
}

/** Something that is computed, [batch, channels, ...size]. */
export interface Value {
  readonly segments: readonly Segment[];
  /** Spatial dims; none for a batch of vectors. */
  readonly size: readonly number[];
}

/** One number for each spatial axis; `pads` has all beginnings, then all ends. */
export interface Convolution {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

interface Named {
  /** What its author called it, unique in the topology. */
  readonly name: string;
  readonly output: number;
}

/** Every output channel reads all channels: a convolution, or a dense layer where `convolution` is null. Has a bias. */
export interface Layer extends Named {
  readonly kind: 'layer';
  readonly input: number;
  /** Its output is one segment. */
  readonly convolution: Convolution | null;
}

/**
 * Every output channel reads its own channel only, with weights of its own and a bias: a depthwise convolution, or a
 * scale and a shift where `convolution` is null. The output has the segments of the input.
 */
export interface Channelwise extends Named {
  readonly kind: 'channelwise';
  readonly input: number;
  readonly convolution: Convolution | null;
  /** A batch normalisation that every task keeps for itself, even on shared channels. */
  readonly perTask: boolean;
}

/** Every channel alike and apart, without weights: activations and pooling of one input, sums and products of two or more. */
export interface Plain extends Named {
  readonly kind: 'plain';
  /** An ONNX operator that works element by element or over space; never along channels. */
  readonly op: string;
  readonly inputs: readonly number[];
  /** Without settings that say what is the default anyway, so that equal steps are equal objects. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Scalar inputs after the values, null where left out: the bounds of Clip. */
  readonly scalars: readonly (number | null)[];
}

/** Puts the segments of its inputs one after the other. */
export interface Concat extends Named {
  readonly kind: 'concat';
  readonly inputs: readonly number[];
}

/** Some segments of its input, in order: Split or Slice along channels. */
export interface Select extends Named {
  readonly kind: 'select';
  readonly input: number;
  /** Positions in the input's segments, ascending. */
  readonly segments: readonly number[];
}

/** [batch, channels, ...size] to [batch, channels * positions]: every segment's area grows by the positions. */
export interface Flatten extends Named {
  readonly kind: 'flatten';
  readonly input: number;
}

export type Step = Layer | Channelwise | Plain | Concat | Select | Flatten;

export interface Topology {
  /** Dims of one sample, channels first. Value 0 is the input, with one segment of group 0. */
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly groups: readonly Group[];
  readonly values: readonly Value[];
  /** In an order in which they can be computed. */
  readonly steps: readonly Step[];
  /** The value of the logits, or null where the topology ends before them and every task goes on by itself. */
  readonly output: number | null;
}

/** Weights and biases of a layer or channelwise step. */
export interface Weights {
  /**
   * Layer: [output channels, input elements * kernel positions], input by input: segment by segment, channel by channel,
   * element by element of the channel's area (or position by position of the kernel).
   * Channelwise: [channels, kernel positions], or [channels, 1] for a scale.
   */
  readonly weight: Matrix;
  /** [output channels] */
  readonly bias: Float64Array;
}

/** What a task computes by itself after the topology's last steps. */
export interface Tail {
  /**
   * One input for each value in `reads`, [batch, elements of the value, ...size], channels in the order of the task's own
   * network; one output, the task's answer.
   */
  readonly graph: Graph;
  readonly reads: readonly number[];
}

/** One task's network, or as much of its beginning as has a topology. */
export interface TaskNet {
  readonly task: string;
  readonly topology: Topology;
  /** Channels of each group. */
  readonly widths: readonly number[];
  /** By the name of the layer or channelwise step. */
  readonly weights: ReadonlyMap<string, Weights>;
  /** Null when the topology ends in the logits. */
  readonly tail: Tail | null;
  /** What could not be zipped and why, in sentences. */
  readonly notes: readonly string[];
}

export const inputOf = (step: Step): readonly number[] => ('inputs' in step ? step.inputs : [step.input]);

/** Positions of a kernel: 1 where there is none. */
export const kernelArea = ({ convolution }: Layer | Channelwise): number =>
  (convolution?.kernel ?? []).reduce((product, size) => product * size, 1);

/** @throws {RangeError} when there is no such value. */
export function valueAt({ values }: Topology, index: number): Value {
  const value = values[index];
  if (!value) throw new RangeError(`Cannot find value ${index} of ${values.length}`);
  return value;
}
