import { Random } from '../../gpu-runner/engine/random.ts';
import { Graph, int, ints, type Attribute } from '../../gpu-runner/onnx/graph.ts';
import { elementCount } from '../../shared/tensor.ts';

export interface Vgg16Options {
  /** Classes answered. */
  readonly classes: number;
  /** Side of the images; a multiple of 32. */
  readonly size: number;
  /** 1 for the original's 64 to 512 channels and 4096 hidden units; 0.25 for a quarter of each. */
  readonly width: number;
}

/** A layer with weights, and how large its part of the work is. */
export interface LayerSize {
  readonly name: string;
  /** Inputs of one output position, the bias not among them. */
  readonly inputs: number;
  readonly positions: number;
  readonly channels: number;
  /** Pixels of a kernel's side; 0 for a dense layer. */
  readonly kernel: number;
  /** Whether the map is halved after it. */
  readonly pooled: boolean;
}

/** The layers of VGG-16 (Simonyan and Zisserman 2015, configuration D). */
export function vgg16Layers({ classes, size, width }: Vgg16Options): LayerSize[] {
  const layers: LayerSize[] = [];
  let [channels, side] = [3, size];
  for (const [stage, count] of [2, 2, 3, 3, 3].entries()) {
    const out = Math.round(width * Math.min(512, 64 * 2 ** stage));
    for (let index = 1; index <= count; index += 1) {
      const name = `conv${stage + 1}_${index}`;
      const pooled = index === count;
      layers.push({ name, inputs: 9 * channels, positions: side * side, channels: out, kernel: 3, pooled });
      channels = out;
    }
    side /= 2;
  }
  const hidden = Math.round(width * 4096);
  for (const [name, inputs, outputs] of [
    ['fc6', channels * side * side, hidden],
    ['fc7', hidden, hidden],
    ['fc8', hidden, classes],
  ] as const)
    layers.push({ name, inputs, positions: 1, channels: outputs, kernel: 0, pooled: false });
  return layers;
}

/**
 * VGG-16 with random weights, which keep the size of activations from layer to layer. Input "image" [N, 3, size, size],
 * output "logits" [N, classes].
 */
export function vgg16(name: string, seed: number, options: Vgg16Options): Graph {
  const graph = new Graph(name);
  const random = new Random(seed);
  graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 3, options.size, options.size] }];
  graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', options.classes] }];
  const weights = (of: string, dims: readonly number[], fanIn: number): string => {
    const bound = Math.sqrt(6 / fanIn);
    const data = Float32Array.from({ length: elementCount(dims) }, () => random.uniform(-bound, bound));
    graph.initializers.set(of, { dtype: 'float32', dims, data });
    return of;
  };
  const add = (
    op: string,
    of: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
  ): string => {
    const outputs = [of === 'fc8' ? 'logits' : `${of}.y`];
    graph.nodes.push({ name: of, op, domain: '', inputs, outputs, attributes });
    return outputs[0] ?? of;
  };
  let value = 'image';
  for (const layer of vgg16Layers(options)) {
    const { inputs, channels, kernel } = layer;
    if (layer.name === 'fc6') value = add('Flatten', 'flatten', [value], { axis: int(1) });
    const dims = kernel === 0 ? [channels, inputs] : [channels, inputs / kernel ** 2, kernel, kernel];
    const own = [
      weights(`${layer.name}.weight`, dims, inputs),
      weights(`${layer.name}.bias`, [channels], inputs),
    ];
    value =
      kernel === 0
        ? add('Gemm', layer.name, [value, ...own], { transB: int(1) })
        : add('Conv', layer.name, [value, ...own], {
            kernel_shape: ints([kernel, kernel]),
            pads: ints([1, 1, 1, 1]),
          });
    if (layer.name !== 'fc8') value = add('Relu', `${layer.name}.relu`, [value]);
    const window = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
    if (layer.pooled) value = add('MaxPool', `${layer.name}.pool`, [value], window);
  }
  return graph;
}
