import { existsSync } from 'node:fs';
import { readPieces } from '../../gpu-runner/data/readPieces.ts';
import { writeFileAtomically } from '../../gpu-runner/data/writeFileAtomically.ts';
import { withParameters } from '../../gpu-runner/mtz/parameters.ts';
import { retrain } from '../../gpu-runner/mtz/retrain.ts';
import { taskGraph } from '../../gpu-runner/mtz/wiring.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';
import { retraining as retrainingSchema, type RecipeInput } from '../../shared/recipe.ts';
import { alone, type BatchNorm } from './alone.ts';
import { compare } from './compare.ts';
import type { Context } from './context.ts';
import { pruneChannels } from './pruneChannels.ts';
import { keptWithin, sizeWith, type Kept, type PruneBudget } from './prunedSize.ts';
import { jobOf, trainSources, type SourceSpec, type TrainedSource } from './sources.ts';
import type { Outcome } from './zips.ts';

/** How networks are pruned, each by itself. */
export interface ApartSpec {
  readonly label: string;
  readonly sources: readonly SourceSpec[];
  readonly budget: PruneBudget;
  /** Layers of fewer channels keep all. */
  readonly fromWidth: number;
  readonly gramSamples: number;
  readonly damping: number;
  /** Default: folded into the layers, and gone. */
  readonly batchNorm?: BatchNorm;
  /** Of each network on its own task, its final steps; default: none. Names of tasks are those of the sources. */
  readonly retraining?: RecipeInput['retraining'];
}

type Options = Omit<ApartSpec, 'label' | 'sources' | 'retraining'>;

/** Every network by itself, whole channels taken from it until so much is left of it. */
export async function pruneApart(context: Context, spec: ApartSpec): Promise<Outcome> {
  const { label, sources, ...settings } = spec;
  const { retraining, ...options } = settings;
  const trained = await trainSources(context, sources);
  const job = {
    ...{ kind: 'pruned-channels', version: 1, label },
    settings: { sources: sources.map((source) => ({ task: source.task, ...jobOf(source) })), ...settings },
  };
  const done = await context.jobs.run<Outcome>(job, async () => {
    const graphs = new Map<string, Graph>();
    for (const source of trained) {
      const named = `${label}-${source.task}`;
      const smaller = await pruned(context, named, source, options);
      const graph = retraining
        ? await retrained(context, named, source, smaller, { ...options, retraining })
        : smaller;
      graphs.set(source.task, graph);
    }
    const compared = await compare(context, trained, (task) => {
      const graph = graphs.get(task);
      if (!graph) throw new Error(`Cannot score "${task}": it was not pruned`);
      return graph;
    });
    const sizes = (kept: (graph: Graph) => Kept): { parameters: number; macs: number } =>
      trained
        .map(({ graph }) => sizeWith(graph, kept(graph), options.batchNorm))
        .reduce((sum, { parameters, macs }) => ({
          ...{ parameters: sum.parameters + parameters, macs: sum.macs + macs },
        }));
    return {
      ...compared,
      steps: retraining?.finalSteps ?? 0,
      size: sizes((graph) => keptOf(graph, options)),
      separateSize: sizes(() => new Map()),
    };
  });
  return { ...done.result, made: done.made };
}

const keptOf = (graph: Graph, { budget, fromWidth, batchNorm }: Options): Kept =>
  keptWithin(graph, budget, (channels) => channels >= fromWidth, batchNorm);

/** One network pruned: a job of its own, because it is retrained in more than one way. */
async function pruned(
  context: Context,
  label: string,
  source: TrainedSource,
  options: Options,
): Promise<Graph> {
  const { task, data, graph, seed } = source;
  const job = {
    ...{ kind: 'pruned-network', version: 1, label },
    settings: { source: { task, ...jobOf(source) }, ...options },
  };
  const done = await context.jobs.run<{ kept: object }>(job, async (files) => {
    const { train } = await context.tasks.data(data);
    const { damping, gramSamples, batchNorm } = options;
    const kept = keptOf(graph, options);
    const recipe = { damping, gramSamples, seed, matching: 'optimal' } as const;
    const measured = { sources: [{ task, graph, train }], recipe, provider: 'cpu' } as const;
    await files.saveGraph(taskGraph(await pruneChannels(graph, kept, measured, batchNorm), task));
    return { kept: Object.fromEntries(kept) };
  });
  return done.graph();
}

/**
 * A pruned network, retrained as merged networks are, on its own task alone: what is 0 stays 0. A job of its own, so that
 * whoever is stopped loses little.
 *
 * @param smaller what {@link pruned} made of the source
 */
async function retrained(
  context: Context,
  label: string,
  source: TrainedSource,
  smaller: Graph,
  options: Options & Required<Pick<ApartSpec, 'retraining'>>,
): Promise<Graph> {
  const { task, data, graph, seed } = source;
  const job = {
    ...{ kind: 'pruned-retrained', version: 1, label },
    settings: { source: { task, ...jobOf(source) }, ...options },
  };
  const done = await context.jobs.run<{ steps: number }>(job, async (files) => {
    const { train } = await context.tasks.data(data);
    const network = withParameters(alone(graph, task, options.batchNorm ?? 'fold'), smaller.initializers);
    const retraining = retrainingSchema.parse(options.retraining);
    const { network: better, steps } = await retrain(
      { ...network, sparse: true },
      [{ task, data: train, original: graph }],
      {
        ...{ retraining, steps: retraining.finalSteps, seed, provider: 'cpu' },
        onProgress({ step, steps, smoothed, stepsPerSecond }) {
          if (step % everySteps !== 0) return;
          const losses = smoothed.map((loss) => loss.toFixed(4)).join(' ');
          context.log(`  ${label} ${step}/${steps}  loss ${losses}  ${stepsPerSecond.toFixed(1)} steps/s`);
        },
        checkpoint: {
          from: existsSync(files.checkpoint) ? await readPieces(files.checkpoint) : undefined,
          save: (pieces) => writeFileAtomically(files.checkpoint, pieces),
          everySteps,
        },
      },
    );
    await files.saveGraph(taskGraph(better, task));
    return { steps };
  });
  return done.graph();
}

/** Steps between two checkpoints. */
const everySteps = 50;
