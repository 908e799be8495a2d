import type { SharingRecord } from '../../shared/manifest.ts';
import { blockOf, blocksOf, doesStep, rowsOf, tasksWith, widthOf, type Network } from './network.ts';
import { producersOf } from './pairing.ts';
import { members, single } from './taskSet.ts';
import { kernelArea, valueAt } from './topology.ts';

/**
 * What the networks share in one group: which source channels became which merged channel, the predicted cost, and the
 * weights (biases not counted) that put the group out, stored by the separate networks and by this one.
 */
export function sharingRecord(network: Network, group: number, cost: number): SharingRecord {
  const steps = producersOf(network, group);
  const having = members(tasksWith(network, group)).map(
    (position) => [network.tasks[position] ?? String(position), position] as const,
  );
  const before = network.tasks.map((_, task) =>
    steps.reduce((sum, step) => {
      if (!doesStep(network, step, task)) return sum;
      const width = widthOf(network, group, task);
      if (step.kind === 'channelwise') return sum + width * kernelArea(step);
      const inputs = valueAt(network.topology, step.input).segments.reduce(
        (total, segment) => total + widthOf(network, segment.group, task) * segment.area,
        0,
      );
      return sum + width * inputs * kernelArea(step);
    }, 0),
  );
  const after = steps.flatMap((step) => {
    const { segments } = valueAt(network.topology, step.output);
    return rowsOf(network, step)
      .filter(({ segment }) => segments[segment]?.group === group)
      .flatMap(({ parts }) => parts.map(({ weight }) => weight.data.length));
  });
  return {
    layer: network.topology.groups[group]?.name ?? String(group),
    widths: Object.fromEntries(having.map(([task, position]) => [task, widthOf(network, group, position)])),
    channels: blocksOf(network, group)
      .filter(({ tasks }) => members(tasks).length > 1)
      .flatMap(({ sources }) => sources.map((source) => ({ ...source }))),
    own: Object.fromEntries(
      having.map(([task, position]) => {
        const block = blockOf(network, group, single(position));
        return [task, (block?.sources ?? []).map((source) => source[task] ?? 0)];
      }),
    ),
    cost,
    weights: { before: total(before), after: total(after) },
  };
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
