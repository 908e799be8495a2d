import { joinNets, widthOf, type Network } from '../../gpu-runner/mtz/network.ts';
import { readNet, type ReadOptions } from '../../gpu-runner/mtz/readNet.ts';
import { groupsInOrder } from '../../gpu-runner/mtz/survey.ts';
import { valueAt, type Layer, type Topology } from '../../gpu-runner/mtz/topology.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';

export type BatchNorm = ReadOptions['batchNorm'];

/** One network by itself, as zipping sees it. */
export const alone = (graph: Graph, task: string, batchNorm: BatchNorm): Network =>
  joinNets([readNet(graph, task, { batchNorm })], 'crossed');

/** Channels that can only go together: what one layer puts out, or several whose results are added up. */
export interface ChannelGroup {
  /** Of the first layer that puts it out. */
  readonly name: string;
  /** Among the topology's groups. */
  readonly index: number;
  readonly channels: number;
  /** The layers that read it, in order. */
  readonly readers: readonly Layer[];
}

/** The groups of a network of one task that only layers read, in the order in which they are first computed. */
export function channelGroups(network: Network): ChannelGroup[] {
  const { topology, tails } = network;
  const inHead = new Set(tails.flatMap((tail) => tail?.reads ?? []));
  return [...groupsInOrder(network)].flatMap((index) => {
    const { name = '', pinned = null } = topology.groups[index] ?? {};
    const readers = topology.steps.filter(
      (step): step is Layer => step.kind === 'layer' && holds(topology, step.input, index),
    );
    const isOnlyRead = readers.length > 0 && ![...inHead].some((value) => holds(topology, value, index));
    return pinned === null && isOnlyRead
      ? [{ name, index, channels: widthOf(network, index, 0), readers }]
      : [];
  });
}

const holds = (topology: Topology, value: number, group: number): boolean =>
  valueAt(topology, value).segments.some((segment) => segment.group === group);
