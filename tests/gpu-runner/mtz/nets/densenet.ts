import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

export interface DensenetOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  readonly first?: number;
  readonly growth?: number;
  /** Layers in each dense block. */
  readonly blocks?: readonly number[];
  readonly classes?: number;
}

/** Dense blocks: every layer reads all before it, through BN and ReLU (Huang et al. 2017). */
export function densenet(options: DensenetOptions): Graph {
  const { seed, input = [3, 8, 8], first = 4, growth = 3, blocks = [2, 2], classes = 3 } = options;
  const net = new NetBuilder('densenet', seed);
  let x = net.conv('conv0', net.input(input), first, { bias: false });
  for (const [block, layers] of blocks.entries()) {
    const parts = [x];
    for (let layer = 0; layer < layers; layer += 1) {
      const name = `denseblock${block + 1}.denselayer${layer + 1}`;
      const [only = x] = parts;
      const all = parts.length > 1 ? net.concat(parts) : only;
      const ready = net.relu(net.norm(`${name}.norm1`, all));
      parts.push(net.conv(`${name}.conv1`, ready, growth, { bias: false }));
    }
    x = net.concat(parts);
    if (block === blocks.length - 1) break;
    const name = `transition${block + 1}`;
    const [width = 0] = x.dims;
    x = net.relu(net.norm(`${name}.norm`, x));
    x = net.conv(`${name}.conv`, x, Math.ceil(width / 2), { kernel: 1, bias: false });
    x = net.pool('AveragePool', x, { kernel: 2 });
  }
  x = net.globalPool(net.relu(net.norm('norm', x)));
  return net.end(net.dense('classifier', net.flatten(x), classes));
}
