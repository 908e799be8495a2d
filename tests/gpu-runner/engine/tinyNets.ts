/** Small networks and data that tests of training share. */
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { uniformFanIn } from '../../../gpu-runner/engine/initialise.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import { Graph, float, int, ints } from '../../../gpu-runner/onnx/graph.ts';

/** x [N, inputs] -> dense, Relu, dense -> logits [N, outputs]. */
export function denseNet(inputs = 2, hidden = 8, outputs = 3, seed = 1): Graph {
  const graph = new Graph('dense');
  const random = new Random(seed);
  const parameter = (name: string, dims: number[], fanIn: number): string => {
    graph.initializers.set(name, uniformFanIn(random, dims, fanIn));
    return name;
  };
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: ['N', inputs] });
  graph.outputs.push({ name: 'logits', dtype: 'float32', dims: ['N', outputs] });
  graph.addNode(
    'Gemm',
    ['x', parameter('w1', [hidden, inputs], inputs), parameter('b1', [hidden], inputs)],
    ['h'],
    {
      transB: int(1),
    },
  );
  graph.addNode('Relu', ['h'], ['r']);
  graph.addNode('MatMul', ['r', parameter('w2', [hidden, outputs], hidden)], ['m']);
  graph.addNode('Add', ['m', parameter('b2', [outputs], hidden)], ['logits']);
  return graph;
}

/** image [N, 1, 8, 8] -> conv, batch norm, Relu, pool, dropout, dense -> logits [N, 3]. */
export function convNet(seed = 1): Graph {
  const graph = new Graph('conv');
  const random = new Random(seed);
  const add = (name: string, dims: number[], value: (index: number) => number): string => {
    const length = dims.reduce((product, dim) => product * dim, 1);
    graph.initializers.set(name, {
      dtype: 'float32',
      dims,
      data: Float32Array.from({ length }, (_, i) => value(i)),
    });
    return name;
  };
  const weight = (name: string, dims: number[], fanIn: number): string => {
    graph.initializers.set(name, uniformFanIn(random, dims, fanIn));
    return name;
  };
  graph.inputs.push({ name: 'image', dtype: 'float32', dims: ['N', 1, 8, 8] });
  graph.outputs.push({ name: 'logits', dtype: 'float32', dims: ['N', 3] });
  graph.addNode('Conv', ['image', weight('kernel', [4, 1, 3, 3], 9)], ['c'], { pads: ints([1, 1, 1, 1]) });
  const statistics = [add('mean', [4], () => 0), add('variance', [4], () => 1)];
  const affine = [add('scale', [4], (i) => 1 + i / 10), add('shift', [4], (i) => i / 10)];
  graph.addNode('BatchNormalization', ['c', ...affine, ...statistics], ['n'], { momentum: float(0.9) });
  graph.addNode('Relu', ['n'], ['r']);
  graph.addNode('MaxPool', ['r'], ['p'], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  graph.addNode('Dropout', ['p', add('ratio', [], () => 0.25)], ['d']);
  graph.addNode('Flatten', ['d'], ['f']);
  graph.addNode('Gemm', ['f', weight('dense', [64, 3], 64), weight('bias', [3], 64)], ['logits']);
  return graph;
}

/** Three well-separated clouds of points in the plane, one a class. */
export function clouds(size = 96, seed = 5): Dataset {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, (_, index) => index % 3);
  const inputs = Float32Array.from({ length: 2 * size }, (_, index) => {
    const angle = (2 * Math.PI * (labels[Math.floor(index / 2)] ?? 0)) / 3;
    return 2 * (index % 2 === 0 ? Math.cos(angle) : Math.sin(angle)) + 0.3 * random.normal();
  });
  return memoryDataset({ sampleDims: [2], classes: 3, labels, inputs });
}

/** 8x8 images of noise with a bright row, column or corner, one a class. */
export function patterns(size = 96, seed = 6): Dataset {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, (_, index) => index % 3);
  const inputs = new Float32Array(size * 64);
  for (let pixel = 0; pixel < inputs.length; pixel += 1) {
    const [row, column] = [Math.floor(pixel / 8) % 8, pixel % 8];
    const bright = [row === 3, column === 3, row > 5 && column > 5][labels[Math.floor(pixel / 64)] ?? 0];
    inputs[pixel] = 0.3 * random.normal() + (bright === true ? 1 : 0);
  }
  return memoryDataset({ sampleDims: [1, 8, 8], classes: 3, labels, inputs });
}
