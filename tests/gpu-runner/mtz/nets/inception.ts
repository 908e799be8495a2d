import { int, type Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { NetBuilder } from './builder.ts';

export interface InceptionOptions {
  readonly seed: number;
  readonly input?: readonly number[];
  /** Of each module, the widths of its four branches. */
  readonly modules?: readonly (readonly [number, number, number, number])[];
  readonly classes?: number;
}

/** Modules of 1x1, 3x3, double 3x3 and pooling branches, concatenated (Szegedy et al. 2015). */
export function inception(options: InceptionOptions): Graph {
  const {
    seed,
    input = [3, 8, 8],
    classes = 3,
    modules = [
      [2, 3, 2, 2],
      [3, 3, 2, 2],
    ] as const,
  } = options;
  const net = new NetBuilder('inception', seed);
  let x = net.relu(net.conv('conv1', net.input(input), 4));
  for (const [index, [one, three, double, pool]] of modules.entries()) {
    const name = `inception${index + 1}`;
    const unit = (part: string, from: typeof x, width: number, kernel: number): typeof x =>
      net.relu(
        net.norm(`${name}.${part}.bn`, net.conv(`${name}.${part}`, from, width, { kernel, bias: false })),
      );
    const pooled = net.pool('AveragePool', x, {
      ...{ kernel: 3, stride: 1, pad: 1 },
      attributes: { count_include_pad: int(1) },
    });
    const reduced = unit('branch3x3dbl_1', x, 2, 1);
    x = net.concat([
      unit('branch1x1', x, one, 1),
      unit('branch3x3', unit('branch3x3_1', x, 2, 1), three, 3),
      unit('branch3x3dbl_3', unit('branch3x3dbl_2', reduced, double, 3), double, 3),
      unit('branch_pool', pooled, pool, 1),
    ]);
  }
  return net.end(net.dense('fc', net.flatten(net.globalPool(x)), classes));
}
