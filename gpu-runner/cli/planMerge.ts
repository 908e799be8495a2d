import type { Recipe } from '../../shared/recipe.ts';
import type { Provider } from '../engine/providers.ts';
import { gramNotes } from '../mtz/gramNotes.ts';
import { joinSources, type NamedGraph } from '../mtz/joinSources.ts';
import { makePlan, predictCurve } from '../mtz/makePlan.ts';
import { weightedSteps, widthOf, type Network } from '../mtz/network.ts';
import { planByHand, type Plan } from '../mtz/plan.ts';
import { planSize, type PlanSize } from '../mtz/planSize.ts';
import { groupsInOrder } from '../mtz/survey.ts';
import { sourcesOf, type Source } from '../mtz/zip.ts';

export interface PlannedGroup {
  readonly group: string;
  /** Channels of each network, by task. */
  readonly widths: Readonly<Record<string, number>>;
  readonly shared: number;
  /** Why none can be shared; null when they can. */
  readonly reason: string | null;
}

export interface MergePlan {
  readonly wiring: Recipe['wiring'];
  readonly groups: readonly PlannedGroup[];
  /** Of what is zipped; what stays in the heads whole is not counted. */
  readonly size: PlanSize;
  /** Of the separate networks. */
  readonly separate: PlanSize;
  /** Predicted; null where it takes data to say. */
  readonly loss: number | null;
  /** Predicted loss against size, from sharing all that the recipe allows to sharing nothing. */
  readonly curve: readonly (PlanSize & { readonly loss: number })[];
  /** What could not be zipped and why. */
  readonly notes: readonly string[];
  /** Layers whose Gram matrices did not fit, and by how many samples they were measured. */
  readonly measured: readonly string[];
}

export interface PlanOptions {
  readonly provider: Provider;
  /** Most bytes of Gram matrices at once; default 4 GiB. */
  readonly gramBytes?: number | undefined;
  /** Whether the curve is wanted where the recipe does not need it. */
  readonly curve?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a recipe would share of networks.
 *
 * @throws {Error} when they cannot be zipped or the recipe does not fit them
 */
export function planShapes(nets: readonly NamedGraph[], recipe: Recipe): MergePlan {
  if (recipe.budget)
    throw new Error(
      `Cannot plan for a budget of ${recipe.budget.of} without data: what sharing costs is measured on it`,
    );
  const { network, notes } = joinSources(nets, recipe);
  const plan = planByHand(network, recipe.share);
  const size = planSize(network, plan);
  const separate = planSize(network, new Map());
  return { ...described(network, plan), size, separate, loss: null, curve: [], notes, measured: [] };
}

/** As `planShapes()`, with what sharing is predicted to cost, measured on data. Nothing is merged for it. */
export async function planWithData(
  given: readonly Source[],
  recipe: Recipe,
  { provider, gramBytes, curve: wanted = false, signal }: PlanOptions,
): Promise<MergePlan> {
  const { network, originals, notes } = joinSources(given, recipe);
  const sources = sourcesOf(given, { network, originals });
  const options = { provider, gramBytes, ...(signal && { signal }) };
  const made = await makePlan(network, sources, recipe, options);
  const points =
    wanted && made.curve.length === 0
      ? await predictCurve(network, made.plan, 'parameters', { sources, recipe, ...options })
      : made.curve;
  const measured =
    points.length > 0 ? gramNotes(network, weightedSteps(network), sources, recipe, gramBytes) : [];
  const curve = points.map(({ parameters, macs, loss }) => ({ parameters, macs, loss }));
  return {
    ...described(network, made.plan),
    ...{ size: made.size, separate: made.separate, curve, notes, measured },
    // The first point of the path is the plan itself where a person made it.
    loss: made.loss ?? curve[0]?.loss ?? null,
  };
}

const described = (network: Network, plan: Plan): Pick<MergePlan, 'wiring' | 'groups'> => ({
  wiring: network.wiring,
  groups: Array.from(groupsInOrder(network), (group) => {
    const known = network.topology.groups[group];
    return {
      group: known?.name ?? String(group),
      widths: Object.fromEntries(network.tasks.map((task, index) => [task, widthOf(network, group, index)])),
      shared: plan.get(group) ?? 0,
      reason: known?.pinned ?? null,
    };
  }),
});
