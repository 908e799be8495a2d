import { uniformFanIn } from '../gpu-runner/engine/initialise.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { Graph, ints, type Attribute } from '../gpu-runner/onnx/graph.ts';
import { elementCount } from '../shared/tensor.ts';

export interface NetOptions {
  /** Batch normalisation after every convolution (default), or a bias in it, as after folding. */
  readonly normalised?: boolean;
  /** Default 10. */
  readonly classes?: number;
}

/** Writes networks for images [N, 3, 32, 32] ("image") with so many classes ("logits"), untrained. */
export class NetBuilder {
  readonly graph: Graph;
  readonly classes: number;
  private readonly random: Random;
  private readonly normalised: boolean;

  constructor(name: string, seed: number, { normalised = true, classes = 10 }: NetOptions = {}) {
    this.graph = new Graph(name);
    this.graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 3, 32, 32] }];
    this.graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', classes] }];
    this.random = new Random(seed);
    this.normalised = normalised;
    this.classes = classes;
  }

  node(
    op: string,
    name: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
    output = `${name}.y`,
  ): string {
    this.graph.nodes.push({ name, op, domain: '', inputs, outputs: [output], attributes });
    return output;
  }

  weights(name: string, dims: readonly number[], fanIn: number): string {
    this.graph.initializers.set(name, uniformFanIn(this.random, dims, fanIn));
    return name;
  }

  /** A convolution that keeps the size (over the stride), with its batch normalisation or bias. */
  convolution(
    name: string,
    x: string,
    channels: number,
    out: number,
    kernel: number,
    stride: number,
  ): string {
    const dims = [out, channels, kernel, kernel];
    const fanIn = elementCount(dims.slice(1));
    const pad = (kernel - 1) / 2;
    const inputs = [x, this.weights(`${name}.weight`, dims, fanIn)];
    if (!this.normalised) inputs.push(this.weights(`${name}.bias`, [out], fanIn));
    const y = this.node('Conv', `${name}.conv`, inputs, {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
    });
    if (!this.normalised) return y;
    const statistics = (['scale', 'bias', 'mean', 'variance'] as const).map((part) =>
      this.filled(`${name}.${part}`, out, part === 'scale' || part === 'variance' ? 1 : 0),
    );
    return this.node('BatchNormalization', `${name}.norm`, [y, ...statistics]);
  }

  private filled(name: string, length: number, value: number): string {
    const data = new Float32Array(length).fill(value);
    this.graph.initializers.set(name, { dtype: 'float32', dims: [length], data });
    return name;
  }
}
