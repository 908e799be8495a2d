import { existsSync } from 'node:fs';
import { readPieces } from '../../gpu-runner/data/readPieces.ts';
import { writeFileAtomically } from '../../gpu-runner/data/writeFileAtomically.ts';
import { countMacs, countParameters } from '../../gpu-runner/mtz/count.ts';
import { jointGraph, servingGraphs, taskGraph } from '../../gpu-runner/mtz/wiring.ts';
import { zip, type Zipped } from '../../gpu-runner/mtz/zip.ts';
import { recipe, type RecipeInput } from '../../shared/recipe.ts';
import { compare, type Compared } from './compare.ts';
import type { Context } from './context.ts';
import type { Provenance } from './provenance.ts';
import { jobOf, trainSources, type SourceSpec } from './sources.ts';

/** Some sources and how they are zipped. */
export interface ZipSpec {
  readonly label: string;
  readonly sources: readonly SourceSpec[];
  readonly recipe: RecipeInput;
}

/** What a merged network stores and computes. */
export interface Size {
  readonly parameters: number;
  /** Multiply-adds of all tasks on one input. */
  readonly macs: number;
}

/** What came of networks that were merged, or of a control beside them. */
export interface Outcome extends Compared {
  /** Steps after the merge (or, of a control, from scratch); each reads one batch of every task. */
  readonly steps: number;
  readonly size: Size | null;
  readonly separateSize: Size | null;
  /** When and where. */
  readonly made?: Provenance;
}

export interface ZipOutcome extends Outcome {
  readonly size: Size;
  readonly separateSize: Size;
  /** Channels shared, by group. */
  readonly shares: Readonly<Record<string, number>>;
  /** Second-order loss that was predicted, summed. */
  readonly cost: number;
  readonly floorEvents: number;
  readonly notes: readonly string[];
}

/** Zips trained sources, or takes what came of it from the jobs that are done. */
export async function runZip(context: Context, spec: ZipSpec): Promise<ZipOutcome> {
  const asked = recipe.parse(spec.recipe);
  const trained = await trainSources(context, spec.sources);
  const job = {
    // What sparse networks are retrained to changed last, what a budget leads to before it.
    ...{ kind: 'zip', version: spec.recipe.sparse ? 5 : spec.recipe.budget ? 4 : 3, label: spec.label },
    settings: {
      sources: spec.sources.map((source) => ({ task: source.task, ...jobOf(source) })),
      // As it is written: a default that is added to the schema makes no other job.
      recipe: spec.recipe,
    },
  };
  const done = await context.jobs.run<ZipOutcome>(job, async (files) => {
    const looks = asked.floors !== undefined || asked.retraining.earlyStopping !== undefined;
    const sources = [];
    for (const { task, data, graph } of trained) {
      const { train, validation } = await context.tasks.data(data);
      sources.push({ task, graph, train, ...(looks && { validation }) });
    }
    const sampled = context.quick ? { ...asked, gramSamples: Math.min(256, asked.gramSamples) } : asked;
    const zipped = await zip(sources, sampled, {
      provider: 'cpu',
      checkpoint: {
        from: async () => (existsSync(files.checkpoint) ? readPieces(files.checkpoint) : undefined),
        save: (pieces) => writeFileAtomically(files.checkpoint, pieces),
        everySteps: 50,
      },
      onProgress(progress) {
        if (progress.stage !== 'retrain' || progress.step % 50 !== 0) return;
        const { layer, step, steps, smoothed, stepsPerSecond } = progress;
        const losses = smoothed.map((loss) => loss.toFixed(4)).join(' ');
        context.log(
          `  ${spec.label} ${layer} ${step}/${steps}  loss ${losses}  ${stepsPerSecond.toFixed(1)} steps/s`,
        );
      },
    });
    await files.saveGraph(jointGraph(zipped.network));
    const compared = await compare(context, trained, (task) => taskGraph(zipped.network, task));
    return { ...compared, ...figuresOf(zipped) };
  });
  return { ...done.result, made: done.made };
}

/** What is stored and computed is counted in the graphs that are served, each weight once. */
function figuresOf({
  network,
  sharing,
  plan,
  retrainingSteps,
  floorEvents,
  notes,
}: Zipped): Omit<ZipOutcome, keyof Compared> {
  const { trunk, heads } = servingGraphs(network);
  const graphs = [...(trunk ? [trunk] : []), ...heads.map(({ graph }) => graph)];
  return {
    steps: retrainingSteps,
    size: {
      parameters: countParameters(jointGraph(network)),
      macs: graphs.reduce((sum, graph) => sum + countMacs(graph), 0),
    },
    separateSize: plan.separate,
    shares: Object.fromEntries(sharing.map(({ layer, channels }) => [layer, channels.length])),
    cost: sharing.reduce((sum, { cost }) => sum + cost, 0),
    floorEvents: floorEvents.length,
    notes: [...new Set(notes)],
  };
}

export interface Choice<Spec, Made> {
  readonly spec: Spec;
  readonly outcome: Made;
}

/** The candidate with the highest mean accuracy on validation samples; of equal ones the first. A quick look takes the first. */
export async function bestOf<Spec, Made extends Pick<Outcome, 'scores'>>(
  context: Context,
  candidates: readonly Spec[],
  run: (context: Context, spec: Spec) => Promise<Made>,
): Promise<Choice<Spec, Made>> {
  let best: Choice<Spec, Made> | undefined;
  for (const spec of context.quick ? candidates.slice(0, 1) : candidates) {
    const outcome = await run(context, spec);
    if (!best || validationOf(outcome) > validationOf(best.outcome)) best = { spec, outcome };
  }
  if (!best) throw new Error('Cannot choose: there are no candidates');
  return best;
}

export const bestZip = (
  context: Context,
  candidates: readonly ZipSpec[],
): Promise<Choice<ZipSpec, ZipOutcome>> => bestOf(context, candidates, runZip);

/** Mean over tasks. */
export function validationOf({ scores }: Pick<Outcome, 'scores'>): number {
  const values = Object.values(scores).map(({ validation }) => validation);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
