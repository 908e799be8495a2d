import type { Recipe } from '../../shared/recipe.ts';
import type { Report } from '../../shared/report.ts';
import { rolesOf } from '../engine/parameters.ts';
import { blocksOf, tasksWith, type Network } from '../mtz/network.ts';
import { groupsInOrder } from '../mtz/survey.ts';
import { meets, members, single } from '../mtz/taskSet.ts';
import type { Zipped } from '../mtz/zip.ts';
import type { Graph } from '../onnx/graph.ts';

/** Weights of a head that are named. */
const mostNamed = 5;

/** Groups that share nothing and layers that only their own network has, each with the reason. */
export function unzippedOf(zipped: Zipped, recipe: Pick<Recipe, 'budget'>): Report['unzipped'] {
  const { network } = zipped;
  const groups = [...groupsInOrder(network)].filter((group) => !sharesChannels(network, group));
  return [
    ...groups.map((group) => ({
      what: network.topology.groups[group]?.name ?? String(group),
      reason: reasonOf(zipped, group, recipe),
    })),
    ...[...groupsInOrder(network)].flatMap((group) =>
      lackingIn(network, group).map((task) => ({
        task,
        what: network.topology.groups[group]?.name ?? String(group),
        reason:
          'it was added without it: the notes say where it parts from the others, which go on sharing it',
      })),
    ),
    ...network.tails.flatMap((tail, task) => {
      const weights = tail ? weightsOf(tail.graph) : [];
      if (weights.length === 0) return [];
      const more = weights.length > mostNamed ? ` and ${weights.length - mostNamed} more` : '';
      return [
        {
          task: network.tasks[task] ?? String(task),
          what: `${weights.slice(0, mostNamed).join(', ')}${more}`,
          reason: 'not all networks have it, or it cannot be read: the notes say where they part',
        },
      ];
    }),
  ];
}

const sharesChannels = (network: Network, group: number): boolean =>
  blocksOf(network, group).some(({ tasks, sources }) => members(tasks).length > 1 && sources.length > 0);

/** The tasks that have no channels in a group of which others share some. */
const lackingIn = (network: Network, group: number): string[] =>
  sharesChannels(network, group)
    ? network.tasks.filter((_, task) => !meets(tasksWith(network, group), single(task)))
    : [];

function reasonOf(
  { network, plan, floorEvents }: Zipped,
  group: number,
  { budget }: Pick<Recipe, 'budget'>,
): string {
  const { name, pinned } = network.topology.groups[group] ?? { name: '', pinned: null };
  if (pinned !== null) return pinned;
  if (floorEvents.some((event) => event.group === name)) return 'a floor did not hold with it';
  if ((plan.plan.get(group) ?? 0) > 0)
    return 'what it would read of the layers before is not shared any more';
  return budget ? 'the budget is kept without it' : 'the recipe shares none of it';
}

/** Their weights' names: nodes often have none. */
const weightsOf = (graph: Graph): string[] =>
  [...rolesOf(graph)].flatMap(([name, role]) => (role === 'weight' ? [name] : []));
