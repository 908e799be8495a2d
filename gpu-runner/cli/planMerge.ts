import { estimateHeapBytes, heldParameterBytes, parameterBytes } from '../../shared/heap.ts';
import type { Budget, Recipe } from '../../shared/recipe.ts';
import type { Provider } from '../engine/providers.ts';
import { marginalsOf } from '../mtz/budget.ts';
import { gramNotes } from '../mtz/gramNotes.ts';
import { joinSources, type NamedGraph } from '../mtz/joinSources.ts';
import { makePlan, predictCurve } from '../mtz/makePlan.ts';
import type { PlanReport } from '../mtz/planReport.ts';
import { weightedSteps, widthOf, type Network } from '../mtz/network.ts';
import { planByHand } from '../mtz/plan.ts';
import { planSize, PlanSizer, tailsSize, type PlanSize } from '../mtz/planSize.ts';
import { groupsInOrder } from '../mtz/survey.ts';
import { sourcesOf, type Source } from '../mtz/zip.ts';
import { CommandError } from './context.ts';

/** Of the separate networks, stored as float32, and of the merged one, stored as the recipe says. */
interface Bytes {
  readonly separate: number;
  readonly merged: number;
}

export interface PlannedGroup {
  readonly group: string;
  /** Channels of each network, by task. */
  readonly widths: Readonly<Record<string, number>>;
  readonly shared: number;
  /** Why none can be shared; null when they can. */
  readonly reason: string | null;
  /** Weights that make its channels. */
  readonly bytes: Bytes;
  /**
   * So many channels fewer would lose so much less, a part of the variance of the answers, and store so much more; null
   * where that is not known, or where none can be given up alone.
   */
  readonly marginal: { readonly channels: number; readonly loss: number; readonly bytes: number } | null;
}

export interface MergePlan {
  readonly wiring: Recipe['wiring'];
  readonly storage: Recipe['storage'];
  readonly budget: Budget | null;
  /** Whether the recipe sets accuracy floors: a merge that breaks them shares less than planned. */
  readonly floors: boolean;
  readonly groups: readonly PlannedGroup[];
  readonly size: PlanSize;
  /** Of the separate networks. */
  readonly separate: PlanSize;
  /** Of both, what stays whole in the heads. */
  readonly heads: PlanSize;
  /** Weights alone. */
  readonly bytes: Bytes;
  /** ONNX Runtime's at the edge, everything loaded; estimated. */
  readonly heapBytes: Bytes;
  /** Layers that run once for all tasks on one input, and all layers. */
  readonly runOnce: { readonly layers: readonly string[]; readonly of: number };
  /** The first batch normalisation that every task keeps for itself; null where none does. */
  readonly ownNorm: string | null;
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
    throw new CommandError(
      `Cannot plan for a budget of ${recipe.budget.of} without data: what sharing costs is measured on it`,
      'add --data <task>=<path> for every network',
    );
  const { network, notes } = joinSources(nets, recipe);
  const plan = planByHand(network, recipe.share);
  const size = planSize(network, plan);
  const separate = planSize(network, new Map());
  return describePlan(network, { plan, size, separate, prediction: null, unpredicted: null }, recipe, notes);
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
  const isAsked = wanted && made.prediction === null;
  const prediction = isAsked
    ? await predictCurve(network, made.plan, 'parameters', { sources, recipe, ...options })
    : made.prediction;
  const measured = prediction ? gramNotes(network, weightedSteps(network), sources, recipe, gramBytes) : [];
  return { ...describePlan(network, { ...made, prediction }, recipe, notes), measured };
}

/** A plan and what it leads to, by group and altogether. */
export function describePlan(
  network: Network,
  { plan, size, separate, prediction }: PlanReport,
  { storage, budget, floors }: Recipe,
  notes: readonly string[],
): MergePlan {
  const sizer = new PlanSizer(network);
  const [apart, merged] = [sizer.groupSizes(new Map()), sizer.groupSizes(plan)];
  const marginals = prediction ? marginalsOf(network, plan, prediction.lossOf) : undefined;
  const each = parameterBytes[storage];
  const heap = ({ parameters }: PlanSize, as: Recipe['storage']): number =>
    estimateHeapBytes(parameters * heldParameterBytes(as));
  const { steps } = network.topology;
  return {
    ...{ wiring: network.wiring, storage, budget: budget ?? null, floors: floors !== undefined },
    groups: Array.from(groupsInOrder(network), (group) => {
      const known = network.topology.groups[group];
      const widths = network.tasks.map((task, index) => [task, widthOf(network, group, index)] as const);
      const marginal = marginals?.get(group);
      return {
        group: known?.name ?? String(group),
        widths: Object.fromEntries(widths),
        shared: plan.get(group) ?? 0,
        reason: known?.pinned ?? null,
        bytes: {
          separate: (apart.get(group)?.parameters ?? 0) * parameterBytes.float32,
          merged: (merged.get(group)?.parameters ?? 0) * each,
        },
        marginal: marginal
          ? { channels: marginal.channels, loss: marginal.loss, bytes: marginal.parameters * each }
          : null,
      };
    }),
    ...{ size, separate, heads: tailsSize(network), notes, measured: [] },
    bytes: { separate: separate.parameters * parameterBytes.float32, merged: size.parameters * each },
    heapBytes: { separate: heap(separate, 'float32'), merged: heap(size, storage) },
    runOnce: { layers: sizer.layersOnce(plan), of: steps.filter(({ kind }) => kind === 'layer').length },
    ownNorm: steps.find((step) => step.kind === 'channelwise' && step.perTask)?.name ?? null,
    loss: prediction?.lossOf(plan) ?? null,
    curve: (prediction?.curve ?? []).map(({ parameters, macs, loss }) => ({ parameters, macs, loss })),
  };
}
