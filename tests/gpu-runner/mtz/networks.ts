import type { Wiring } from '../../../shared/recipe.ts';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { measureGram } from '../../../gpu-runner/mtz/gram.ts';
import { joinChains, type Network } from '../../../gpu-runner/mtz/network.ts';
import { readChain } from '../../../gpu-runner/mtz/readChain.ts';
import { damp, type TaskGram } from '../../../gpu-runner/mtz/taskGram.ts';
import type { TaskSet } from '../../../gpu-runner/mtz/taskSet.ts';
import { zipBlocks } from '../../../gpu-runner/mtz/zipBlocks.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { randomInput } from './nets.ts';

export const taskName = (index: number): string => ['digit', 'fashion', 'letter'][index] ?? `task${index}`;

export function joined(graphs: readonly Graph[], wiring: Wiring): Network {
  const chains = graphs.map((graph, index) => ({
    task: taskName(index),
    chain: readChain(graph, taskName(index)),
  }));
  return joinChains(chains, wiring);
}

export function randomSamples(dims: readonly number[], size: number, seed: number): Dataset {
  return memoryDataset({
    sampleDims: dims,
    classes: 3,
    labels: Int32Array.from({ length: size }, (_, index) => index % 3),
    inputs: randomInput([size, ...dims], seed).data,
  });
}

/** Damped Gram matrices of all tasks at one layer, each task with samples of its own. */
export function gramsOf(network: Network, index: number, size = 60): Promise<TaskGram[]> {
  return Promise.all(
    network.tasks.map(async (_, task) => {
      const data = randomSamples(network.input.dims, size, 100 + task);
      const samples = Uint32Array.from({ length: size }, (__, sample) => sample);
      return damp(await measureGram(network, index, task, data, { samples, provider: 'cpu' }), 1e-6, 0.5);
    }),
  );
}

/** Shares channels between two blocks of a layer, optimally. */
export async function share(
  network: Network,
  index: number,
  a: TaskSet,
  b: TaskSet,
  count: number,
): Promise<Network> {
  const grams = await gramsOf(network, index);
  return (await zipBlocks(network, index, [a, b], { count, matching: 'optimal', grams })).network;
}
