import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../../gpu-runner/engine/dataset.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { Measurements } from '../../../gpu-runner/mtz/measurements.ts';
import { denseBytes } from '../../../gpu-runner/mtz/gramForm.ts';
import type { WeightedStep } from '../../../gpu-runner/mtz/network.ts';
import { gramBytesOf } from '../../../gpu-runner/mtz/stepGrams.ts';
import { denseInput, NetBuilder } from './nets.ts';
import { joined, randomSamples, stepNamed, taskName } from './networks.ts';

/** Six dense layers of six channels each. */
function deepNet(seed: number): Graph {
  const builder = new NetBuilder(seed, denseInput, 'vector');
  for (let layer = 1; layer <= 5; layer += 1) builder.dense(`fc${layer}`, 6, 6).op('Tanh');
  return builder.dense('fc6', 6, 2).end();
}

function measuring(gramBytes?: number): { measurements: Measurements; reads: () => number } {
  const graphs = [deepNet(1), deepNet(2)];
  const network = joined(graphs, 'crossed');
  let reads = 0;
  const counted = (data: Dataset): Dataset => ({
    ...data,
    inputs: (indices) => {
      reads += 1;
      return data.inputs(indices);
    },
  });
  const sources = graphs.map((graph, task) => {
    const train = counted(randomSamples(denseInput, 30, task));
    return { task: taskName(task), graph, train };
  });
  const recipe = { damping: 1e-5, gramSamples: 20, seed: 1, matching: 'optimal' } as const;
  const context = { sources, recipe, provider: 'cpu', gramBytes } as const;
  return { measurements: new Measurements(network, context), reads: () => reads };
}

const network = joined([deepNet(1), deepNet(2)], 'crossed');
const [fc1, fc2, fc3, fc4] = [1, 2, 3, 4].map((layer) => stepNamed(network, `fc${layer}`)) as [
  WeightedStep,
  WeightedStep,
  WeightedStep,
  WeightedStep,
];

describe('Measurements', () => {
  test('a step is measured once while there is room, and again after it was released', async () => {
    const { measurements, reads } = measuring();
    const first = await measurements.of(fc1);
    expect(first).toHaveLength(2);
    await measurements.of(fc2);
    expect(await measurements.of(fc1)).toBe(first);
    expect(reads()).toBe(4);
    measurements.release(fc1);
    expect(await measurements.of(fc1)).toEqual(first);
    expect(reads()).toBe(6);
  });

  test('what was measured first makes room, and is the same when it is measured again', async () => {
    // Just enough for one layer while it is shared, and to keep three.
    const room = denseBytes({ name: 'fc', inputs: 7, positions: 1, tasks: 2 });
    const { measurements, reads } = measuring(room);
    const first = await measurements.of(fc1);
    const size = first.reduce((sum, gram) => sum + gramBytesOf(gram), 0);
    expect(Math.floor(room / size)).toBe(3);
    for (const step of [fc2, fc3, fc2, fc1, fc4]) await measurements.of(step);
    expect(reads()).toBe(8);
    await measurements.of(fc2);
    expect(reads()).toBe(8);
    expect(await measurements.of(fc1)).toEqual(first);
    expect(reads()).toBe(10);
  });
});
