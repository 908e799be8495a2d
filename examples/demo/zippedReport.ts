/** The report that `trunkline zip` would write of the demo's merge, with what the demo measures. */
import type { Parts } from '../../gpu-runner/bundle/quantise/parts.ts';
import { joinSources } from '../../gpu-runner/mtz/joinSources.ts';
import { predictCurve } from '../../gpu-runner/mtz/makePlan.ts';
import { planByHand } from '../../gpu-runner/mtz/plan.ts';
import { taskGraph } from '../../gpu-runner/mtz/wiring.ts';
import { sourcesOf } from '../../gpu-runner/mtz/zip.ts';
import { judge, type Judgement } from '../../gpu-runner/runner/judge.ts';
import { distanceOf } from '../../gpu-runner/runner/judgeMerge.ts';
import { reportMerge } from '../../gpu-runner/runner/mergeReport.ts';
import type { Report } from '../../shared/report.ts';
import type { DemoNet, ZippedNets } from './zipNets.ts';

const provider = 'cpu';
/** Of each task, that the curve is predicted with: a quarter of those that the merge takes; the largest losses barely change. */
const curveSamples = 1024;

/** A zipped network with what is known of the separate ones and of other plans. */
export interface MeasuredZip extends ZippedNets {
  /** How the separate networks do on the test images, by task. */
  readonly before: ReadonlyMap<string, Judgement>;
}

/** Measures what a report says beside the merge: what every budget is predicted to lose, and how the separate networks do. */
export async function measureZip(zipped: ZippedNets, nets: readonly DemoNet[]): Promise<MeasuredZip> {
  const { recipe, plan } = zipped;
  const given = nets.map(({ graph, images: { task, train } }) => ({ task, graph, train }));
  const joined = joinSources(given, recipe);
  const most = planByHand(joined.network, recipe.share);
  const prediction = await predictCurve(joined.network, most, 'parameters', {
    ...{ sources: sourcesOf(given, joined), provider },
    recipe: { ...recipe, gramSamples: curveSamples },
  });
  const before = new Map<string, Judgement>();
  for (const { graph, images } of nets)
    before.set(images.task, await judge(graph, images.test, { provider }));
  return { ...zipped, plan: { ...plan, prediction }, before };
}

/** @param notes what else there is to say, in sentences */
export async function zippedReport(
  { name, createdAt, notes = [] }: ReportedBundle,
  zipped: MeasuredZip,
  serving: Parts,
  nets: readonly DemoNet[],
): Promise<Report> {
  const sources = nets.map(({ graph, info, sizeBytes, images: { task, labels, train, test } }) => ({
    ...{ task, graph, labels, train, validation: test },
    model: { name: task, sha256: info.sha256, sizeBytes },
  }));
  const after = new Map<string, Judgement>();
  for (const { task, validation } of sources)
    after.set(task, await judge(taskGraph(zipped.network, task), validation, { provider }));
  const report = reportMerge(
    { ...{ name, createdAt, sources }, recipe: zipped.recipe, notes: [...notes, heldOut(nets)] },
    {
      ...{ zipped, serving, after, before: zipped.before, agreement: new Map() },
      distance: await distanceOf(sources, serving, { provider }),
    },
  );
  const training = nets.map(({ info }) => info.training.steps);
  return {
    ...report,
    tasks: report.tasks.map((one) => ({ ...one, source: sourceOf(one.task, nets) })),
    figures: {
      ...report.figures,
      iterations: { separate: Math.min(...training), zipped: zipped.retrainingSteps },
    },
  };
}

interface ReportedBundle {
  readonly name: string;
  readonly createdAt: Date;
  readonly notes?: readonly string[];
}

function sourceOf(task: string, nets: readonly DemoNet[]): Report['tasks'][number]['source'] {
  const info = nets.find(({ images }) => images.task === task)?.info;
  return info && { name: task, sha256: info.sha256, dataset: info.dataset, iterations: info.training.steps };
}

/** Two kinds of images were held out. */
const heldOut = (nets: readonly DemoNet[]): string =>
  `Accuracy, confusion and distance are of test images; the curves of retraining of others, held out of training: ${nets
    .map(({ images: { task, validation } }) => `${validation.size} of "${task}"`)
    .join(' and ')}. The predicted curve is of ${curveSamples} training images a task.`;
