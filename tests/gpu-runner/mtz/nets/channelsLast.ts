import { ints, type Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder, type Made } from './builder.ts';

/** MatMul and Add, as TensorFlow writes a dense layer. */
export function denseByParts(net: NetBuilder, name: string, x: Made, channels: number): Made {
  const [from = 0] = x.dims;
  const weight = net.weight(`${name}/MatMul`, [from, channels], Math.sqrt(2 / from));
  const product = net.node('MatMul', [x, weight], [channels]);
  return net.node('Add', [product, net.weight(`${name}/BiasAdd`, [channels], 0.1)], [channels]);
}

export interface ChannelsLastOptions {
  readonly seed: number;
  /** [H, W, C] */
  readonly input?: readonly [number, number, number];
  /** Whether it scales and shifts its input while the channels are last. */
  readonly rescales?: boolean;
}

/** A network as tf2onnx writes those of Keras: channels last at its input and where it flattens, first in between. */
export function channelsLastNet({ seed, input = [6, 5, 3], rescales = false }: ChannelsLastOptions): Graph {
  const net = new NetBuilder('tf', seed);
  const [height, width, channels] = input;
  let x = net.input(input);
  if (rescales) {
    x = net.node('Mul', [x, net.constant('rescaling', [0.5], [])], input);
    x = net.node('Sub', [x, net.constant('mean', input.map((_, at) => at / 4).slice(0, channels))], input);
  }
  x = net.node('Transpose', [x], [channels, height, width], { perm: ints([0, 3, 1, 2]) });
  x = net.relu(net.norm('bn1', net.conv('conv1', x, 4, { bias: false })));
  x = net.relu(net.conv('conv2', x, 5));
  x = net.node('Transpose', [x], [height, width, 5], { perm: ints([0, 2, 3, 1]) });
  x = net.node('Reshape', [x, net.integers('flat', [-1, 5 * height * width])], [5 * height * width]);
  return net.end(denseByParts(net, 'd2', net.relu(denseByParts(net, 'd1', x, 6)), 3));
}
