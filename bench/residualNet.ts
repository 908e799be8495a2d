import { int, type Graph } from '../gpu-runner/onnx/graph.ts';
import { NetBuilder, type NetOptions } from './netBuilder.ts';

export interface ResidualOptions extends NetOptions {
  /** Channels of each stage; the size halves from one to the next. */
  readonly widths: readonly number[];
  /** Blocks of two convolutions a stage. */
  readonly blocks: number;
  /** Default 1; 2 halves the size before the first stage: a quarter of the work. */
  readonly stemStride?: number;
}

/**
 * A residual network for 32x32 images (He et al. 2016, section 4.2), untrained, with a 1x1 convolution on the shortcut
 * where the size changes. Input "image" [N, 3, 32, 32], output "logits" [N, classes].
 */
export function residualNet(
  name: string,
  seed: number,
  { widths, blocks, stemStride = 1, ...options }: ResidualOptions,
): Graph {
  const build = new NetBuilder(name, seed, options);
  let channels = widths[0] ?? 0;
  let value = build.node('Relu', 'stem.relu', [
    build.convolution('stem', 'image', 3, channels, 3, stemStride),
  ]);
  for (const [stage, width] of widths.entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const name = `stage${stage}.block${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const first = build.convolution(`${name}.a`, value, channels, width, 3, stride);
      const inner = build.node('Relu', `${name}.relu`, [first]);
      const last = build.convolution(`${name}.b`, inner, width, width, 3, 1);
      const shortcut =
        stride === 1 ? value : build.convolution(`${name}.shortcut`, value, channels, width, 1, stride);
      value = build.node('Relu', `${name}.out`, [build.node('Add', `${name}.add`, [last, shortcut])]);
      channels = width;
    }
  }
  value = build.node('GlobalAveragePool', 'pool', [value]);
  value = build.node('Flatten', 'flatten', [value], { axis: int(1) });
  const dense = [
    build.weights('dense.weight', [build.classes, channels], channels),
    build.weights('dense.bias', [build.classes], channels),
  ];
  build.node('Gemm', 'dense', [value, ...dense], { transB: int(1) }, 'logits');
  return build.graph;
}

/** ResNet-20: 272,474 parameters. */
export const resnet20 = (seed: number, options: NetOptions = {}): Graph =>
  residualNet('resnet20', seed, { ...options, widths: [16, 32, 64], blocks: 3 });

/** 28 convolutions and dense layers, those of the shortcuts among them: 369,690 parameters. */
export const resnet28 = (seed: number, options: NetOptions = {}): Graph =>
  residualNet('resnet28', seed, { ...options, widths: [16, 32, 64], blocks: 4 });
