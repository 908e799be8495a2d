import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

/** Separable convolutions whose first, depthwise part makes several channels of each (the depth multiplier of Keras). */
export function severalFilters({ seed, filters = 2 }: { seed: number; filters?: number }): Graph {
  const net = new NetBuilder('separable', seed);
  let x = net.relu(net.norm('bn1', net.conv('conv1', net.input([3, 6, 6]), 4, { bias: false })));
  x = net.relu(net.norm('bn2', net.conv('depth1', x, 4 * filters, { group: 4, bias: false })));
  x = net.pool('MaxPool', net.conv('depth2', x, 4 * filters, { group: 4 * filters }), { kernel: 2 });
  x = net.clip(net.conv('point', x, 5, { kernel: 1 }));
  x = net.both('Mul', x, net.act('Sigmoid', x));
  const y = net.conv('depth3', x, 5 * filters, { group: 5 });
  x = net.both('Add', net.act('Tanh', y), y);
  return net.end(net.dense('fc', net.flatten(x), 3));
}
