import { int, ints, type Graph } from '../gpu-runner/onnx/graph.ts';
import { NetBuilder, type NetOptions } from './netBuilder.ts';

export interface Vgg11Options extends NetOptions {
  /** Channels of the four widths; default 64, 128, 256, 512, the original's. */
  readonly widths?: readonly [number, number, number, number];
}

/**
 * VGG-11 for 32x32 images (Simonyan and Zisserman 2015, configuration A, with one dense layer as is usual on CIFAR),
 * untrained. Input "image" [N, 3, 32, 32], output "logits" [N, classes].
 */
export function vgg11(seed: number, { widths = [64, 128, 256, 512], ...options }: Vgg11Options = {}): Graph {
  const build = new NetBuilder('vgg11', seed, options);
  const [a, b, c, d] = widths;
  const stages = [[a], [b], [c, c], [d, d], [d, d]];
  let [value, channels, layer] = ['image', 3, 0];
  for (const [stage, outs] of stages.entries()) {
    for (const out of outs) {
      layer += 1;
      const name = `conv${layer}`;
      value = build.node('Relu', `${name}.relu`, [build.convolution(name, value, channels, out, 3, 1)]);
      channels = out;
    }
    value = build.node('MaxPool', `pool${stage + 1}`, [value], {
      kernel_shape: ints([2, 2]),
      strides: ints([2, 2]),
    });
  }
  value = build.node('Flatten', 'flatten', [value], { axis: int(1) });
  const dense = [
    build.weights('dense.weight', [build.classes, d], d),
    build.weights('dense.bias', [build.classes], d),
  ];
  build.node('Gemm', 'dense', [value, ...dense], { transB: int(1) }, 'logits');
  return build.graph;
}
