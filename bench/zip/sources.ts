import { checkpointAt } from '../../gpu-runner/data/checkpointAt.ts';
import { augmented, flipped, shifted } from '../../gpu-runner/engine/augment.ts';
import type { Dataset } from '../../gpu-runner/engine/dataset.ts';
import { masksOfZeros } from '../../gpu-runner/engine/masks.ts';
import { rolesOf } from '../../gpu-runner/engine/parameters.ts';
import { train } from '../../gpu-runner/engine/train.ts';
import type { TrainOptions } from '../../gpu-runner/engine/trainOptions.ts';
import { accuracyOf } from '../../gpu-runner/mtz/evaluate.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';
import type { Augmentation } from '../../shared/recipe.ts';
import type { Context } from './context.ts';
import type { JobFiles } from './jobs.ts';
import { buildNet, type NetSpec } from './nets.ts';
import { prune } from './prune.ts';
import type { DataSpec } from './tasks.ts';

export interface TrainingSpec {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly augmentation?: Augmentation;
}

/** A network of one task, trained alone from scratch. */
export interface SourceSpec {
  readonly task: string;
  readonly data: DataSpec;
  readonly net: NetSpec;
  readonly training: TrainingSpec;
  /** Of the first weights and of the order of the batches. */
  readonly seed: number;
  /** What its first weights, but those of the last layer, are taken from: a network of the same layers. */
  readonly pretrained?: Pick<SourceSpec, 'data' | 'net' | 'training' | 'seed'>;
  /** Pruned once it is trained, and trained on with what is 0 staying 0. */
  readonly pruned?: {
    readonly kept: readonly number[];
    readonly gramSamples: number;
    readonly damping: number;
    readonly training: TrainingSpec;
  };
}

/** What decides a source's weights before it is pruned. */
const denseJobOf = ({ data, net, training, seed, pretrained }: SourceSpec): object => ({
  ...{ data, net, training, seed },
  ...(pretrained && { pretrained }),
});

/** What decides a source's weights. */
export const jobOf = (spec: SourceSpec): object => ({
  ...denseJobOf(spec),
  ...(spec.pruned && { pruned: spec.pruned }),
});

/** Fractions (0 to 1) of the held-out samples that are answered right. */
export interface Scores {
  /** What choices are made by. */
  readonly validation: number;
  /** What is reported. */
  readonly test: number;
}

export interface TrainedSource extends SourceSpec {
  readonly graph: Graph;
  readonly scores: Scores;
}

/** Trains a source, or takes it from the jobs that are done. */
export async function trainSource(context: Context, spec: SourceSpec): Promise<TrainedSource> {
  const { data, net, training, seed, pretrained, pruned } = spec;
  const label = `${data.set}-${net.kind}-${seed}`;
  const before = pretrained && (await trainSource(context, { task: spec.task, ...pretrained }));
  const job = { kind: 'source', version: 1, label, settings: denseJobOf(spec) };
  const done = await context.jobs.run<Scores>(job, async (files) => {
    const { train: samples, labels } = await context.tasks.data(data);
    const trained = await trainResumably(context, files, label, {
      graph: startingFrom(before?.graph, buildNet(net, labels.length, seed)),
      objectives: [
        {
          ...{ input: 'image', output: 'logits', loss: 'softmax-cross-entropy' },
          data: changed(samples, training.augmentation, seed),
        },
      ],
      ...optionsOf(training, seed),
    });
    await files.saveGraph(trained);
    return scoresOf(context, trained, data);
  });
  const graph = await done.graph();
  if (!pruned) return { ...spec, graph, scores: done.result };
  return trainPruned(context, spec, pruned, graph);
}

/** A network with the weights of another of the same layers, but for those of the last one. */
function startingFrom(pretrained: Graph | undefined, graph: Graph): Graph {
  const last = graph.nodes.find(({ outputs }) => outputs.includes(graph.outputs[0]?.name ?? ''));
  for (const name of graph.initializers.keys()) {
    const known = pretrained?.initializers.get(name);
    if (known && !last?.inputs.includes(name)) graph.initializers.set(name, known);
  }
  return graph;
}

async function trainPruned(
  context: Context,
  spec: SourceSpec,
  pruned: NonNullable<SourceSpec['pruned']>,
  dense: Graph,
): Promise<TrainedSource> {
  const { data, net, seed } = spec;
  const label = `${data.set}-${net.kind}-${seed}`;
  const job = { kind: 'pruned', version: 1, label, settings: jobOf(spec) };
  const done = await context.jobs.run<Scores>(job, async (files) => {
    const { train: samples } = await context.tasks.data(data);
    const graph = await prune(dense, samples, { ...pruned, seed });
    const [input, output] = [graph.inputs[0]?.name ?? '', graph.outputs[0]?.name ?? ''];
    const trained = await trainResumably(context, files, `${label} pruned`, {
      graph,
      masks: masksOfZeros(graph.initializers, rolesOf(graph).keys()),
      objectives: [
        {
          ...{ input, output, loss: 'softmax-cross-entropy' },
          data: changed(samples, pruned.training.augmentation, seed),
        },
      ],
      ...optionsOf(pruned.training, seed),
    });
    await files.saveGraph(trained);
    return scoresOf(context, trained, data);
  });
  return { ...spec, graph: await done.graph(), scores: done.result };
}

/** Trains sources one after the other. */
export async function trainSources(context: Context, specs: readonly SourceSpec[]): Promise<TrainedSource[]> {
  const trained: TrainedSource[] = [];
  for (const spec of specs) trained.push(await trainSource(context, spec));
  return trained;
}

/** How a source, and a control beside it, is trained. */
export const optionsOf = (
  { steps, batchSize, learningRate, weightDecay }: TrainingSpec,
  seed: number,
): Omit<TrainOptions, 'graph' | 'objectives'> => ({
  ...{ steps, batchSize, seed, provider: 'cpu' },
  optimiser: { kind: 'adamw', weightDecay },
  schedule: { learningRate, warmUpSteps: Math.ceil(steps * warmUpShare) },
});

const warmUpShare = 0.05;
/** Steps between two checkpoints: often enough that a kill costs a minute, rarely enough that saving costs nothing. */
const saveEverySteps = 200;

/** Trains, and goes on from a checkpoint where there is one. */
export async function trainResumably(
  context: Context,
  files: JobFiles,
  label: string,
  options: TrainOptions,
): Promise<Graph> {
  const { threads, log } = context;
  const run: TrainOptions = { ...options, threads };
  const { graph } = await train({
    ...run,
    checkpoint: await checkpointAt(files.checkpoint, run, saveEverySteps),
    onProgress({ step, steps, smoothed, stepsPerSecond, etaMs }) {
      if (step % saveEverySteps !== 0) return;
      const losses = smoothed.map((loss) => loss.toFixed(4)).join(' ');
      log(
        `  ${label} ${step}/${steps}  loss ${losses}  ${stepsPerSecond.toFixed(1)} steps/s  ${Math.ceil(etaMs / 1000)} s left`,
      );
    },
  });
  return graph;
}

export function changed(data: Dataset, augmentation: Augmentation | undefined, seed: number): Dataset {
  if (!augmentation) return data;
  const { flip, shift } = augmentation;
  return augmented(data, [...(flip ? [flipped()] : []), ...(shift > 0 ? [shifted(shift)] : [])], seed);
}

export async function scoresOf(context: Context, graph: Graph, data: DataSpec): Promise<Scores> {
  const { validation, test } = await context.tasks.data(data);
  const score = (samples: Dataset): Promise<number> => accuracyOf(graph, samples, { provider: 'cpu' });
  return { validation: await score(validation), test: await score(test) };
}
