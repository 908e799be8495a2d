import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder, type Made } from './builder.ts';

export interface ResnetOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  /** Width of the residual stream in each stage; from the second on, a stage halves the size. */
  readonly channels?: readonly number[];
  /** Blocks in each stage. */
  readonly blocks?: number;
  /** `basic` two 3x3; `bottleneck` 1x1, 3x3, 1x1; `pre` two 3x3, each after its own BN and ReLU (He et al. 2016). */
  readonly block?: 'basic' | 'bottleneck' | 'pre';
  /** Width inside a bottleneck; by default half of the stream. */
  readonly inner?: number;
  /** Groups of the 3x3 convolution of a bottleneck: above 1 it is a ResNeXt. */
  readonly groups?: number;
  readonly norm?: boolean;
  readonly classes?: number;
}

/** A residual network with projection shortcuts (He et al. 2015); with `groups`, a ResNeXt (Xie et al. 2017). */
export function resnet(options: ResnetOptions): Graph {
  const { seed, input = [3, 8, 8], channels = [4, 6], blocks = 1, block = 'basic', groups = 1 } = options;
  const { norm = true, classes = 3 } = options;
  const net = new NetBuilder('resnet', seed);
  const bn = (name: string, x: Made): Made => (norm ? net.norm(name, x) : x);
  const conv = (name: string, x: Made, width: number, kernel: number, stride = 1, group = 1): Made =>
    net.conv(name, x, width, { kernel, stride, group, bias: !norm });
  const [first = 4] = channels;
  let x = conv('conv1', net.input(input), first, 3);
  if (block !== 'pre') x = net.relu(bn('bn1', x));
  for (const [stage, width] of channels.entries()) {
    for (let index = 0; index < blocks; index += 1) {
      const name = `layer${stage + 1}.${index}`;
      const stride = stage > 0 && index === 0 ? 2 : 1;
      const projects = stride > 1 || x.dims[0] !== width;
      if (block === 'pre') {
        const ready = net.relu(bn(`${name}.bn1`, x));
        let y = net.relu(bn(`${name}.bn2`, conv(`${name}.conv1`, ready, width, 3, stride)));
        y = conv(`${name}.conv2`, y, width, 3);
        x = net.both('Add', y, projects ? conv(`${name}.shortcut`, ready, width, 1, stride) : x);
        continue;
      }
      const inner = options.inner ?? Math.ceil(width / 2);
      let y = block === 'basic' ? x : net.relu(bn(`${name}.bn1`, conv(`${name}.conv1`, x, inner, 1)));
      if (block === 'basic') y = net.relu(bn(`${name}.bn1`, conv(`${name}.conv1`, y, width, 3, stride)));
      else y = net.relu(bn(`${name}.bn2`, conv(`${name}.conv2`, y, inner, 3, stride, groups)));
      const last = block === 'basic' ? 2 : 3;
      y = bn(`${name}.bn${last}`, conv(`${name}.conv${last}`, y, width, block === 'basic' ? 3 : 1));
      const shortcut = projects
        ? bn(`${name}.downsample.1`, conv(`${name}.downsample.0`, x, width, 1, stride))
        : x;
      x = net.relu(net.both('Add', y, shortcut));
    }
  }
  if (block === 'pre') x = net.relu(bn('bn', x));
  return net.end(net.dense('fc', net.flatten(net.globalPool(x)), classes));
}

export const resnext = (options: Omit<ResnetOptions, 'block'>): Graph =>
  resnet({ channels: [6], inner: 4, groups: 2, ...options, block: 'bottleneck' });
