import type { Attribute } from '../onnx/graph.ts';
import type { Matrix } from '../linalg/matrix.ts';

/** Operators that treat every channel alike and apart, so that channels can be reordered and split across them. */
export const channelOps = [
  'Relu',
  'LeakyRelu',
  'Clip',
  'Sigmoid',
  'Tanh',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Flatten',
] as const;

export interface ChannelOp {
  readonly op: (typeof channelOps)[number];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Scalar inputs after the first, null where left out: the bounds of Clip. */
  readonly bounds: readonly (number | null)[];
}

/** One number for each spatial axis; `pads` has all beginnings, then all ends. */
export interface Convolution {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

/** What a layer does whatever its width: networks must agree in it to be zipped. */
export interface LayerShape {
  readonly name: string;
  /** Null for a dense layer. */
  readonly convolution: Convolution | null;
  /** Weights per pair of output and input channel: positions of the kernel, or of the map that was flattened. */
  readonly area: number;
  /** Spatial size of what the convolution puts out; empty for a dense layer. */
  readonly outputSize: readonly number[];
  /** What happens to its channels before the next layer reads them. */
  readonly after: readonly ChannelOp[];
}

export interface ChainLayer extends LayerShape {
  /** [channels, input channels * area], input channel by input channel. */
  readonly weight: Matrix;
  /** [channels] */
  readonly bias: Float64Array;
}

/** A network that is one line of conv and dense layers, the last of which answers. */
export interface Chain {
  readonly input: {
    readonly name: string;
    /** Dims of one sample, channels first. */
    readonly dims: readonly number[];
  };
  /** What happens to the input before the first layer. */
  readonly before: readonly ChannelOp[];
  readonly layers: readonly ChainLayer[];
}

export interface TaskChain {
  readonly task: string;
  readonly chain: Chain;
}
