import { maxCurveCounts, type PlanResult } from '../../../shared/jobs.ts';
import type { Recipe } from '../../../shared/recipe.ts';
import type { Provider } from '../../engine/providers.ts';
import { thinCurve } from '../../mtz/budget.ts';
import { gramNotes } from '../../mtz/gramNotes.ts';
import { joinSources } from '../../mtz/joinSources.ts';
import { predictCurve } from '../../mtz/makePlan.ts';
import { weightedSteps, widthOf } from '../../mtz/network.ts';
import { planByHand } from '../../mtz/plan.ts';
import { planSize } from '../../mtz/planSize.ts';
import { groupsInOrder } from '../../mtz/survey.ts';
import { sourcesOf, type Source } from '../../mtz/zip.ts';
import type { JobResult } from '../runnerClient.ts';
import { decisively, JobError, type JobContext } from './job.ts';
import { fetchSources, readSources } from './readSources.ts';

/** What a merge would share and what that is predicted to cost: nothing is merged for it. */
export async function planJob(context: JobContext): Promise<JobResult> {
  const { claim, signal, report, provider, gramBytes } = context;
  const { job, inputs } = claim;
  if (job.kind !== 'plan' || inputs.kind !== 'plan')
    throw new JobError(`Cannot plan: the job is of kind ${job.kind}`, { retryable: false });
  const { recipe } = job.request;
  const folders = await fetchSources(inputs.sources, context);
  const plan = await decisively(signal, async () => {
    report({ stage: 'read' });
    const { sources, notes } = await readSources(inputs.sources, folders, recipe, context);
    report({ stage: 'plan' });
    const made = await planCurve(
      sources.map(({ validation, ...source }) => ({ ...source, ...(validation && { validation }) })),
      recipe,
      { provider, gramBytes, signal },
    );
    return { ...made, notes: [...notes, ...made.notes] };
  });
  return { plan };
}

/**
 * The whole curve of plans that a budget can lead to, from all that the recipe allows to nothing.
 *
 * @throws {Error} when the networks cannot be zipped, or the recipe or their data do not fit them
 */
export async function planCurve(
  given: readonly Source[],
  recipe: Recipe,
  options: {
    readonly provider: Provider;
    readonly gramBytes?: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<PlanResult> {
  const { network, originals, notes } = joinSources(given, recipe);
  const sources = sourcesOf(given, { network, originals });
  const most = planByHand(network, recipe.share);
  // A heap is a number of parameters, and so are bytes.
  const of = recipe.budget?.of === 'macs' ? 'macs' : 'parameters';
  const { curve } = await predictCurve(network, most, of, { sources, recipe, ...options });
  const groups = [...groupsInOrder(network)];
  return {
    wiring: network.wiring,
    of,
    groups: groups.map((group) => {
      const known = network.topology.groups[group];
      const widths = network.tasks.map((task, index) => [task, widthOf(network, group, index)]);
      return {
        name: known?.name ?? String(group),
        widths: Object.fromEntries(widths) as Record<string, number>,
        reason: known?.pinned ?? null,
      };
    }),
    separate: planSize(network, new Map()),
    curve: thinCurve(curve, Math.floor(maxCurveCounts / groups.length)).map(
      ({ plan, parameters, macs, loss }) => ({
        ...{ parameters, macs, loss },
        shared: groups.map((group) => plan.get(group) ?? 0),
      }),
    ),
    notes: [...notes, ...gramNotes(network, weightedSteps(network), sources, recipe, options.gramBytes)],
  };
}
