import type { Recipe, Wiring } from '../../../shared/recipe.ts';
import { memoryDataset, type Dataset } from '../../../gpu-runner/engine/dataset.ts';
import { formBlocks } from '../../../gpu-runner/mtz/formBlocks.ts';
import { joinSources } from '../../../gpu-runner/mtz/joinSources.ts';
import { mergeStep } from '../../../gpu-runner/mtz/mergeStep.ts';
import { joinNets, weightedSteps, type Network, type WeightedStep } from '../../../gpu-runner/mtz/network.ts';
import { pairGroup, producersOf, type Pairing } from '../../../gpu-runner/mtz/pairing.ts';
import { readNet } from '../../../gpu-runner/mtz/readNet.ts';
import { measureStep, type StepGram } from '../../../gpu-runner/mtz/stepGrams.ts';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { randomInput } from './nets.ts';

export const taskName = (index: number): string => ['digit', 'fashion', 'letter'][index] ?? `task${index}`;

export function joined(
  graphs: readonly Graph[],
  wiring: Wiring,
  batchNorm: Recipe['batchNorm'] = 'fold',
): Network {
  const sources = graphs.map((graph, index) => ({ task: taskName(index), graph }));
  const [only] = sources;
  if (only && sources.length === 1) return joinNets([readNet(only.graph, only.task, { batchNorm })], wiring);
  return joinSources(sources, { wiring, batchNorm, sparse: false }).network;
}

export function randomSamples(dims: readonly number[], size: number, seed: number): Dataset {
  return memoryDataset({
    sampleDims: dims,
    classes: 3,
    labels: Int32Array.from({ length: size }, (_, index) => index % 3),
    inputs: randomInput([size, ...dims], seed).data,
  });
}

export function groupNamed(network: Network, name: string): number {
  const group = network.topology.groups.findIndex((each) => each.name === name);
  if (group < 0) throw new Error(`no group ${name}`);
  return group;
}

export function stepNamed(network: Network, name: string): WeightedStep {
  const step = weightedSteps(network).find((each) => each.name === name);
  if (!step) throw new Error(`no step ${name}`);
  return step;
}

/** Damped Gram matrices of all tasks at one step, each task with samples of its own. */
export function gramsOf(network: Network, step: WeightedStep, size = 60): Promise<StepGram[]> {
  const samples = Uint32Array.from({ length: size }, (_, sample) => sample);
  return Promise.all(
    network.tasks.map((_, task) => {
      const data = randomSamples(network.topology.input.dims, size, 100 + task);
      return measureStep(network, step, task, data, { samples, provider: 'cpu', damping: 1e-6, weight: 0.5 });
    }),
  );
}

/** Chooses the channels of a group that all tasks share, optimally. */
export async function pair(network: Network, name: string, count: number): Promise<Pairing> {
  const group = groupNamed(network, name);
  const grams = new Map<string, StepGram[]>();
  for (const step of producersOf(network, group)) grams.set(step.name, await gramsOf(network, step));
  return pairGroup(network, group, { count, matching: 'optimal', grams });
}

/** Shares channels of a group among all tasks, and merges the weights of the steps that put them out. */
export async function share(network: Network, name: string, count: number): Promise<Network> {
  if (count === 0) return network;
  const { formings } = await pair(network, name, count);
  const steps = producersOf(network, groupNamed(network, name));
  let shared = formings.reduce(formBlocks, network);
  for (const step of steps) shared = (await mergeStep(shared, step, await gramsOf(shared, step))).network;
  return shared;
}
