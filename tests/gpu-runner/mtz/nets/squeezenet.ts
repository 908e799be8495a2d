import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

export interface SqueezenetOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  readonly first?: number;
  /** Of each fire module: squeeze channels, then those of both expansions. */
  readonly fires?: readonly (readonly [number, number])[];
  readonly classes?: number;
}

/** Fire modules, whose two expansions are concatenated; its logits are pooled maps (Iandola et al. 2016). */
export function squeezenet(options: SqueezenetOptions): Graph {
  const { seed, input = [3, 9, 9], first = 4, classes = 3 } = options;
  const {
    fires = [
      [2, 3],
      [3, 4],
    ] as const,
  } = options;
  const net = new NetBuilder('squeezenet', seed);
  let x = net.relu(net.conv('features.0', net.input(input), first));
  x = net.pool('MaxPool', x, { kernel: 3, stride: 2 });
  for (const [index, [squeeze, expand]] of fires.entries()) {
    const name = `features.${index + 3}`;
    const narrow = net.relu(net.conv(`${name}.squeeze`, x, squeeze, { kernel: 1 }));
    x = net.concat([
      net.relu(net.conv(`${name}.expand1x1`, narrow, expand, { kernel: 1 })),
      net.relu(net.conv(`${name}.expand3x3`, narrow, expand)),
    ]);
  }
  x = net.relu(net.conv('classifier.1', net.act('Dropout', x), classes, { kernel: 1 }));
  return net.end(net.flatten(net.globalPool(x)));
}
