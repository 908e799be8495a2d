import { columnsPerChannel, weightedSteps, widthOf, type Network } from '../../gpu-runner/mtz/network.ts';
import { kernelArea, valueAt } from '../../gpu-runner/mtz/topology.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';
import { alone, channelGroups, type BatchNorm } from './alone.ts';

/**
 * Channels that stay, by the layer that puts them out, or by the first of those whose results are added up; all of those
 * that are not named.
 */
export type Kept = ReadonlyMap<string, number>;

export interface PrunedSize {
  readonly parameters: number;
  /** Multiply-adds on one input. */
  readonly macs: number;
}

/** How much of the untouched network may be left. */
export interface PruneBudget {
  readonly of: keyof PrunedSize;
  /** Fraction, 0 to 1. */
  readonly atMost: number;
}

/** What a network stores and computes without the channels that go; merged networks are counted alike. */
export const sizeWith = (graph: Graph, kept: Kept, batchNorm: BatchNorm = 'fold'): PrunedSize =>
  sizeOf(alone(graph, graph.name, batchNorm), kept);

function sizeOf(network: Network, kept: Kept): PrunedSize {
  const { topology } = network;
  const left = topology.groups.map(({ name }, group) => {
    const all = widthOf(network, group, 0);
    return Math.min(all, kept.get(name) ?? all);
  });
  const size = { parameters: 0, macs: 0 };
  for (const step of weightedSteps(network)) {
    const { segments, size: map } = valueAt(topology, step.output);
    const rows = segments.reduce((sum, { group }) => sum + (left[group] ?? 0), 0);
    const columns =
      step.kind === 'channelwise'
        ? kernelArea(step)
        : valueAt(topology, step.input).segments.reduce(
            (sum, { group }, segment) =>
              sum + (left[group] ?? 0) * columnsPerChannel(topology, step, segment),
            0,
          );
    size.parameters += rows * (columns + 1);
    // A scale and a shift are no convolution: not counted, as elsewhere.
    if (step.kind === 'layer' || step.convolution)
      size.macs += rows * columns * map.reduce((product, dim) => product * dim, 1);
  }
  return size;
}

/**
 * The same fraction of the channels of some groups, as many as a budget allows.
 *
 * @param isThinned of a group's channels; what is answered is never asked
 * @throws {Error} when none of these channels may stay.
 */
export function keptWithin(
  graph: Graph,
  { of, atMost }: PruneBudget,
  isThinned: (channels: number) => boolean,
  batchNorm: BatchNorm = 'fold',
): Kept {
  const network = alone(graph, graph.name, batchNorm);
  const thinned = channelGroups(network).filter(({ channels }) => isThinned(channels));
  const whole = sizeOf(network, new Map())[of];
  const widest = Math.max(0, ...thinned.map(({ channels }) => channels));
  for (let left = widest; left > 0; left -= 1) {
    const kept = new Map(
      thinned.map(({ name, channels }) => [name, Math.max(1, Math.floor((channels * left) / widest))]),
    );
    if (sizeOf(network, kept)[of] <= atMost * whole) return kept;
  }
  throw new Error(`Cannot leave ${100 * atMost} % of the ${of}: other layers have more`);
}
