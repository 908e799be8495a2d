import type { GroupReport } from '../../../shared/report.ts';
import { readNet } from '../../mtz/readNet.ts';
import { groupsInOrder } from '../../mtz/survey.ts';
import type { Graph } from '../../onnx/graph.ts';
import type { TaskNet } from '../../mtz/topology.ts';

/**
 * The groups of channels of one network that shares none, in the order in which they are computed, as far as it can be
 * read; and why not further.
 */
export function networkGroups(
  graph: Graph,
  task: string,
): { readonly groups: GroupReport[]; readonly note: string | null } {
  let net: TaskNet;
  try {
    net = readNet(graph, task, { batchNorm: 'fold' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { groups: [], note: `Its layers are not told apart: ${reason}` };
  }
  const { topology, widths, tail, notes } = net;
  const groups = Array.from(groupsInOrder({ topology }), (group): GroupReport => {
    const { name } = topology.groups[group] ?? { name: String(group) };
    const layers = topology.steps.flatMap((step) =>
      step.kind === 'layer' && topology.values[step.output]?.segments.some((one) => one.group === group)
        ? [step.name]
        : [],
    );
    const channels = widths[group] ?? 0;
    return {
      ...{ name, layers: layers.length > 1 ? layers : [], widths: { [task]: channels } },
      blocks: [{ tasks: [task], channels }],
    };
  });
  return { groups, note: tail && `Its layers are told as far as they could be zipped: ${notes.join('. ')}` };
}
