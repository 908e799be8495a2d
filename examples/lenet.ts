import { Random } from '../gpu-runner/engine/random.ts';
import { uniformFanIn } from '../gpu-runner/engine/initialise.ts';
import { Graph, int, ints, type Attribute } from '../gpu-runner/onnx/graph.ts';

/** Wide enough that one trunk has room for what two tasks need. */
const defaultWidths = { conv1: 24, conv2: 64, dense: 800 };

/**
 * A LeNet-5-style network, untrained: 5x5 convolutions of `conv1` and `conv2` channels, each with ReLU and 2x2 max pooling, then
 * dense layers of `dense` and `classes` neurons. 867,098 parameters for 10 classes at the default widths.
 *
 * Input "image" [N, 1, 28, 28], output "logits" [N, classes].
 */
export function lenet(name: string, classes: number, seed: number, widths = defaultWidths): Graph {
  const graph = new Graph(name);
  const random = new Random(seed);
  graph.inputs = [{ name: 'image', dtype: 'float32', dims: ['N', 1, 28, 28] }];
  graph.outputs = [{ name: 'logits', dtype: 'float32', dims: ['N', classes] }];
  let value = 'image';
  const add = (
    op: string,
    node: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
  ): void => {
    const output = node === 'classifier' ? 'logits' : `${node}.out`;
    graph.nodes.push({
      name: node,
      op,
      domain: '',
      inputs: [value, ...inputs],
      outputs: [output],
      attributes,
    });
    value = output;
  };
  const weights = (node: string, dims: readonly [outputs: number, ...inputs: number[]]): string[] => {
    const [outputs, ...inputs] = dims;
    const fanIn = inputs.reduce((product, dim) => product * dim, 1);
    graph.initializers.set(`${node}.weight`, uniformFanIn(random, dims, fanIn));
    graph.initializers.set(`${node}.bias`, uniformFanIn(random, [outputs], fanIn));
    return [`${node}.weight`, `${node}.bias`];
  };

  add('Conv', 'conv1', weights('conv1', [widths.conv1, 1, 5, 5]), { kernel_shape: ints([5, 5]) });
  add('Relu', 'relu1', []);
  add('MaxPool', 'pool1', [], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  add('Conv', 'conv2', weights('conv2', [widths.conv2, widths.conv1, 5, 5]), { kernel_shape: ints([5, 5]) });
  add('Relu', 'relu2', []);
  add('MaxPool', 'pool2', [], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  add('Flatten', 'flatten', [], { axis: int(1) });
  add('Gemm', 'dense', weights('dense', [widths.dense, widths.conv2 * 4 * 4]), { transB: int(1) });
  add('Relu', 'relu3', []);
  add('Gemm', 'classifier', weights('classifier', [classes, widths.dense]), { transB: int(1) });
  return graph;
}
