import { uniformFanIn } from '../gpu-runner/engine/initialise.ts';
import { Random } from '../gpu-runner/engine/random.ts';
import { Graph, int, ints, type Attribute } from '../gpu-runner/onnx/graph.ts';
import { elementCount } from '../shared/tensor.ts';

/**
 * ResNet-20 for 32x32 images (He et al. 2016, section 4.2), untrained, with a 1x1 convolution on the shortcut where the
 * size changes: 272,474 parameters. Input "image" [N, 3, 32, 32], output "logits" [N, 10].
 */
export function resnet20(seed: number): Graph {
  const graph = new Graph('resnet20');
  graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 3, 32, 32] }];
  graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', 10] }];
  const build = builder(graph, new Random(seed));

  let value = build.node('Relu', 'stem.relu', [build.convolution('stem', 'image', 3, 16, 3, 1)]);
  let channels = 16;
  for (const [stage, width] of [16, 32, 64].entries()) {
    for (let block = 0; block < 3; block += 1) {
      const name = `stage${stage}.block${block}`;
      const stride = width === channels ? 1 : 2;
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
  const dense = [build.weights('dense.weight', [10, 64], 64), build.weights('dense.bias', [10], 64)];
  build.node('Gemm', 'dense', [value, ...dense], { transB: int(1) }, 'logits');
  return graph;
}

function builder(graph: Graph, random: Random) {
  const node = (
    op: string,
    name: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
    output = `${name}.y`,
  ): string => {
    graph.nodes.push({ name, op, domain: '', inputs, outputs: [output], attributes });
    return output;
  };
  const weights = (name: string, dims: readonly number[], fanIn: number): string => {
    graph.initializers.set(name, uniformFanIn(random, dims, fanIn));
    return name;
  };
  const filled = (name: string, length: number, value: number): string => {
    graph.initializers.set(name, {
      dtype: 'float32',
      dims: [length],
      data: new Float32Array(length).fill(value),
    });
    return name;
  };
  /** A convolution without bias that keeps the size (over the stride), and its batch normalisation. */
  const convolution = (
    name: string,
    x: string,
    channels: number,
    out: number,
    kernel: number,
    stride: number,
  ): string => {
    const dims = [out, channels, kernel, kernel];
    const pad = (kernel - 1) / 2;
    const y = node(
      'Conv',
      `${name}.conv`,
      [x, weights(`${name}.weight`, dims, elementCount(dims.slice(1)))],
      {
        kernel_shape: ints([kernel, kernel]),
        strides: ints([stride, stride]),
        pads: ints([pad, pad, pad, pad]),
      },
    );
    const statistics = (['scale', 'bias', 'mean', 'variance'] as const).map((part) =>
      filled(`${name}.${part}`, out, part === 'scale' || part === 'variance' ? 1 : 0),
    );
    return node('BatchNormalization', `${name}.norm`, [y, ...statistics]);
  };
  return { node, weights, convolution };
}
