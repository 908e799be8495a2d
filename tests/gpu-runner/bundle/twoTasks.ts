import { Random } from '../../../gpu-runner/engine/random.ts';
import { Graph, int, type Attribute } from '../../../gpu-runner/onnx/graph.ts';
import type { BundleSource } from '../../../gpu-runner/bundle/export.ts';
import type { TrainedGraph } from '../../../gpu-runner/bundle/parity.ts';
import type { Tensor } from '../../../shared/tensor.ts';

const random = new Random(7);
const weight = (...dims: number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.uniform(-0.5, 0.5)),
});

/** Weights of two small networks zipped crosswise: two shared layers, of which only the first is computed once. */
const weights: Record<string, Tensor<'float32'>> = {
  conv1: weight(16, 1, 3, 3),
  bias1: weight(16),
  conv2: weight(8, 16, 3, 3),
  'digit.bias2': weight(8),
  'fashion.bias2': weight(8),
  'digit.dense': weight(3, 32),
  'fashion.dense': weight(5, 32),
};
export const classes = { digit: 3, fashion: 5 };
export const tasks = ['digit', 'fashion'] as const;
type Task = (typeof tasks)[number];

function add(
  graph: Graph,
  op: string,
  inputs: string[],
  output: string,
  attributes: Record<string, Attribute> = {},
): string {
  for (const name of inputs) {
    const tensor = weights[name];
    // A copy each time: what is stored once must be found by content, not by being the same object.
    if (tensor) graph.initializers.set(name, { ...tensor, data: tensor.data.slice() });
  }
  graph.nodes.push({ name: output, op, domain: '', inputs, outputs: [output], attributes });
  return output;
}

const emitTrunk = (graph: Graph, image: string, prefix: string): string =>
  add(
    graph,
    'Relu',
    [add(graph, 'Conv', [image, 'conv1', 'bias1'], `${prefix}conv1.out`)],
    `${prefix}features`,
  );

function emitHead(graph: Graph, task: Task, features: string): void {
  const conv = add(graph, 'Conv', [features, 'conv2', `${task}.bias2`], `${task}.conv2.out`);
  const flat = add(graph, 'Flatten', [add(graph, 'Relu', [conv], `${task}.relu2`)], `${task}.flat`);
  const logits = add(graph, 'Gemm', [flat, `${task}.dense`], `${task}.logits`, { transB: int(1) });
  graph.outputs.push({ name: logits, dtype: 'float32', dims: ['N', classes[task]] });
}

const image = (name: string) => ({ name, dtype: 'float32', dims: ['N', 1, 6, 6] }) as const;
const features = { name: 'features', dtype: 'float32', dims: ['N', 16, 4, 4] } as const;

export function trunkGraph(): Graph {
  const graph = new Graph('trunk');
  graph.inputs.push(image('image'));
  emitTrunk(graph, 'image', '');
  graph.outputs.push(features);
  return graph;
}

export function headGraph(task: Task): Graph {
  const graph = new Graph(task);
  graph.inputs.push(features);
  emitHead(graph, task, 'features');
  return graph;
}

/** One task's whole network. */
export function wholeGraph(task: Task): Graph {
  const graph = new Graph(task);
  graph.inputs.push(image('image'));
  emitHead(graph, task, emitTrunk(graph, 'image', ''));
  return graph;
}

/** Both tasks, each with an input of its own, reading the same weights: as networks are retrained. */
export function trainedGraph(): TrainedGraph {
  const graph = new Graph('trained');
  for (const task of tasks) {
    graph.inputs.push(image(`${task}.image`));
    emitHead(graph, task, emitTrunk(graph, `${task}.image`, `${task}.`));
  }
  return { graph, outputs: { digit: 'digit.logits', fashion: 'fashion.logits' } };
}

export function bundleSource(): BundleSource {
  return {
    name: 'two-tasks',
    createdAt: new Date('2026-01-02T03:04:05Z'),
    trunk: trunkGraph(),
    heads: tasks.map((task) => ({
      task,
      graph: headGraph(task),
      labels: Array.from({ length: classes[task] }, (_, label) => `${task} ${label}`),
      accuracy: { before: 0.9, after: 0.88, samples: 50 },
    })),
    preprocessing: 'pixels / 255, [N, 1, 6, 6]',
    recipe: null,
    lineage: {
      models: tasks.map((task) => ({ task, name: task, sha256: '0'.repeat(64) })),
      retrainingSteps: 12,
    },
    sharing: [
      {
        layer: 'conv1',
        widths: { digit: 16, fashion: 16 },
        channels: Array.from({ length: 16 }, (_, channel) => ({ digit: channel, fashion: 15 - channel })),
        cost: 0.25,
        weights: { before: 320, after: 160 },
      },
    ],
  };
}
