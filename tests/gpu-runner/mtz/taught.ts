import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import type { Source } from '../../../gpu-runner/mtz/zip.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf } from './nets.ts';
import { randomSamples } from './networks.ts';

const classes = 3;

/** A task whose labels are what its net answers itself, which starts at 100 %: of all classes, see {@link centred}. */
export async function taught(task: string, net: Graph, seed: number, size = 60): Promise<Source> {
  const graph = await centred(net, seed, size);
  const labelled = await labelledBy(graph, seed, size);
  return { task, graph, train: labelled, validation: labelled };
}

/** Random samples, each of the class that a net answers. */
export async function labelledBy(net: Graph, seed: number, size = 60): Promise<Dataset> {
  const { inputs, sampleDims, logits } = await answersTo(net, seed, size);
  const labels = Int32Array.from({ length: size }, (_, sample) => {
    const scores = [...logits.subarray(sample * classes, (sample + 1) * classes)];
    return scores.indexOf(Math.max(...scores));
  });
  return memoryDataset({ sampleDims, classes, labels, inputs });
}

/** A net of random weights that answers all classes, not always the same one: its last bias is moved. */
async function centred(net: Graph, seed: number, size: number): Promise<Graph> {
  const graph = net.clone();
  const { logits } = await answersTo(net, seed, size);
  const bias = graph.nodes.at(-1)?.inputs[2] ?? '';
  const was = graph.initializers.get(bias);
  if (was?.dtype !== 'float32') throw new Error('the net does not end in a dense layer with a bias');
  const meanOf = (label: number): number =>
    logits.reduce((sum, value, at) => sum + (at % classes === label ? value : 0), 0) / size;
  const data = was.data.map((value, label) => value - meanOf(label));
  graph.initializers.set(bias, { ...was, data });
  return graph;
}

async function answersTo(
  net: Graph,
  seed: number,
  size: number,
): Promise<{ sampleDims: number[]; inputs: Float32Array; logits: Float32Array }> {
  const sampleDims = (net.inputs[0]?.dims.slice(1) ?? []).map(Number);
  const data = randomSamples(sampleDims, size, seed);
  const inputs = data.inputs(Uint32Array.from(data.labels.keys()));
  const logits = await answerOf(net, { dtype: 'float32', dims: [size, ...sampleDims], data: inputs });
  return { sampleDims, inputs, logits };
}
