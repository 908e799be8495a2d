import type { Recipe } from '../../shared/recipe.ts';
import type { Graph } from '../onnx/graph.ts';
import { align } from './align.ts';
import { joinNets, type Network } from './network.ts';
import { readNet } from './readNet.ts';
import type { TaskNet } from './topology.ts';

export interface NamedGraph {
  readonly task: string;
  readonly graph: Graph;
}

/** What of a recipe says how networks are read. */
export type Reading = Pick<Recipe, 'wiring' | 'batchNorm' | 'sparse'>;

/**
 * Networks read, aligned and put side by side.
 *
 * @throws {Error} when there are fewer than two, or they have nothing in common.
 */
export function joinSources(
  sources: readonly NamedGraph[],
  reading: Reading,
): { network: Network; notes: readonly string[] } {
  if (sources.length < 2) throw new Error(`Cannot zip ${sources.length} network: at least 2 are needed`);
  const { nets, notes } = alignSources(sources, reading);
  return { network: joinNets(nets, reading.wiring, reading.sparse), notes };
}

export function alignSources(
  sources: readonly NamedGraph[],
  { batchNorm }: Pick<Recipe, 'batchNorm'>,
): { nets: readonly TaskNet[]; notes: readonly string[] } {
  const read = sources.map(({ task, graph }) => readNet(graph, task, { batchNorm }));
  const { nets, notes } = align(read);
  return { nets, notes: [...read.flatMap((net) => net.notes), ...notes] };
}
