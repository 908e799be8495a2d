import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { memoryDataset } from '../../../gpu-runner/engine/dataset.ts';
import { Random } from '../../../gpu-runner/engine/random.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { answerOf, NetBuilder, randomInput } from '../mtz/nets.ts';

const inputs = 4;
const hidden = 32;
const classes = 3;
/** What the first input is larger than the others by, where they are uneven: on one scale of int8 the others vanish. */
const large = 1000;

/**
 * A network whose answers are nearly equal, so that hardly any rounding leaves them as they are: the last layer's rows
 * differ by 1e-4. Where its inputs are uneven too, int8 is wrong in both of its layers.
 */
export function closeCall(seed: number, { uneven = false } = {}): Graph {
  const graph = new NetBuilder(seed, [inputs])
    .dense('hidden', inputs, hidden)
    .op('Relu')
    .dense('last', hidden, classes)
    .end();
  const random = new Random(seed, 1);
  const change = (name: string, to: (value: number, index: number, all: Float32Array) => number): void => {
    const tensor = graph.initializers.get(name);
    if (tensor?.dtype !== 'float32') throw new Error(`There are no weights ${name}`);
    graph.initializers.set(name, {
      ...tensor,
      data: tensor.data.map((value, i) => to(value, i, tensor.data)),
    });
  };
  change('last.weight', (_, index, all) => (all[index % hidden] ?? 0) + 1e-4 * random.normal());
  change('last.bias', () => 0);
  if (uneven) change('hidden.weight', (value, index) => (index % inputs === 0 ? value / large : value));
  return graph;
}

/** Samples that the network answers right, all of them. */
export async function rightly(
  graph: Graph,
  size: number,
  seed: number,
  { uneven = false } = {},
): Promise<Dataset> {
  const values = randomInput([size, inputs], seed).data.map((value, index) =>
    uneven && index % inputs === 0 ? large * value : value,
  );
  const logits = await answerOf(graph, { dtype: 'float32', dims: [size, inputs], data: values });
  const labels = Int32Array.from({ length: size }, (_, row) => {
    const scores = [...logits.subarray(row * classes, (row + 1) * classes)];
    return scores.indexOf(Math.max(...scores));
  });
  return memoryDataset({ sampleDims: [inputs], classes, labels, inputs: values });
}
