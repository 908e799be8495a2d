import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

export interface LenetOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  readonly channels?: readonly [number, number];
  readonly hidden?: number;
  readonly classes?: number;
}

/** Two convolutions with max pooling, two dense layers (LeCun et al. 1998, with ReLU). */
export function lenet(options: LenetOptions): Graph {
  const { seed, input = [1, 12, 12], channels = [4, 6], hidden = 10, classes = 3 } = options;
  const net = new NetBuilder('lenet', seed);
  let x = net.input(input);
  for (const [index, width] of channels.entries()) {
    x = net.relu(net.conv(`conv${index + 1}`, x, width, { pad: 1 }));
    x = net.pool('MaxPool', x, { kernel: 2 });
  }
  x = net.relu(net.dense('fc1', net.flatten(x), hidden));
  return net.end(net.dense('fc2', x, classes));
}
