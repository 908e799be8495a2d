import type { Progress } from '../../shared/jobs.ts';
import type { Manifest } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Agreement, Report } from '../../shared/report.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { exportBundle } from '../bundle/export.ts';
import type { Problem } from '../data/samples.ts';
import { isLabelled, type Dataset } from '../engine/dataset.ts';
import type { Pieces } from '../engine/pieces.ts';
import type { Provider } from '../engine/providers.ts';
import { jointGraph, servingGraphs, taskGraph, type ServingGraphs } from '../mtz/wiring.ts';
import { extend } from '../mtz/extend.ts';
import { accuracyOf, answersOf } from '../mtz/evaluate.ts';
import type { InputScale } from '../mtz/inputScale.ts';
import { joinSources, type Joined } from '../mtz/joinSources.ts';
import type { Network } from '../mtz/network.ts';
import {
  checkRecipe,
  sourcesOf,
  zipJoined,
  type Source,
  type ZipOptions,
  type ZipProgress,
  type Zipped,
} from '../mtz/zip.ts';
import type { Graph } from '../onnx/graph.ts';
import { answersApart } from './answersApart.ts';
import { judge, type Judgement } from './judge.ts';
import type { MergedBefore } from './mergedBefore.ts';
import { floorsTold, reportMerge, withEnvironment } from './mergeReport.ts';
import { storeParts, type Stored, type TaskSamples } from './storeParts.ts';
import { timeMerge } from './timeMerge.ts';

/** A trained network, the samples of its task, and where it comes from. */
export interface MergeSource {
  readonly task: string;
  readonly graph: Graph;
  /** Of its classes, or none. */
  readonly labels: readonly string[];
  readonly train: Dataset;
  /** Where the samples are made for other networks than this: what it reads in their place. */
  readonly inputScale?: InputScale | undefined;
  /** Held out: what the accuracies are measured on, and some of it parity. */
  readonly validation: Dataset | null;
  readonly model: { readonly name: string; readonly sha256: string; readonly sizeBytes: number };
  /** What of its data could not be read, and why. */
  readonly leftOut?: readonly Problem[] | undefined;
}

/** Where a merge that was interrupted goes on. The bytes mean something to `mergeModels` only. */
export interface MergeCheckpoint {
  /** What was saved last, or undefined at the beginning. */
  load(): Promise<Pieces | undefined>;
  save(pieces: Pieces): Promise<void>;
}

export type MergeProgress = Omit<Progress, 'at'>;

export interface MergeOptions {
  /** The bundle's. */
  readonly name: string;
  /** Part of the bundle, thus of its id: the same merge again is the same bundle when this is the same. */
  readonly createdAt: Date;
  readonly preprocessing: Manifest['preprocessing'];
  readonly sources: readonly MergeSource[];
  /** A bundle that the last of the sources is added to. The others are what it was merged from, in its order. */
  readonly before?: MergedBefore | undefined;
  readonly recipe: Recipe;
  /** What is known of networks and data before they are merged, in sentences for the report. */
  readonly notes?: readonly string[] | undefined;
  readonly provider: Provider;
  /** Most bytes of Gram matrices at once; default 4 GiB. */
  readonly gramBytes?: number | undefined;
  readonly checkpoint?: MergeCheckpoint | undefined;
  readonly onProgress?: ((progress: MergeProgress) => void) | undefined;
  /** Called with what is going to be shared, before anything is. */
  readonly onPlan?: ZipOptions['onPlan'];
  readonly signal?: AbortSignal | undefined;
}

export interface Merged {
  /** Holds the report as far as it is the same each time. */
  readonly bundle: Bundle;
  readonly report: Report;
}

export type MergeModels = (options: MergeOptions) => Promise<Merged>;

/** Real samples of each task that parity is checked on. */
const paritySamples = 64;

/**
 * The whole way from networks and data to a bundle: judge the sources, zip, judge the result, cut it for serving, export
 * it and check the files against the trained network. Reads and writes nothing: files are the caller's.
 *
 * Same options and machine: same bundle, also when it was stopped in between and went on from a checkpoint.
 *
 * @throws {Error} when something does not fit or parity is not met; a StorageError when the merged network cannot be stored as
 * the recipe says; the signal's reason when it is aborted
 */
export const mergeModels: MergeModels = async (options) => {
  const { sources, recipe, provider, signal, onProgress, checkpoint } = options;
  const startedAt = performance.now();
  const enter = (stage: string): void => {
    signal?.throwIfAborted();
    onProgress?.({ stage });
  };

  // What does not fit is found before anything is computed.
  const given = sources.map(sourceOf);
  const { network, originals, notes } = joinSources(given, recipe);
  const ready = sourcesOf(given, { network, originals });
  checkRecipe(ready, recipe);
  enter('evaluate');
  const before = await judgeAll(ready, ({ graph }) => graph, options);
  if (before.size > 0) onProgress?.(separately(before));
  enter('zip');
  const zipped = await zipOrExtend(
    options,
    given,
    { network, originals, notes },
    {
      ...{ provider, gramBytes: options.gramBytes, predict: true },
      ...(options.onPlan && { onPlan: options.onPlan }),
      ...(signal && { signal }),
      ...(checkpoint && {
        checkpoint: { from: () => checkpoint.load(), save: (pieces) => checkpoint.save(pieces) },
      }),
      onProgress: (event) => onProgress?.(toProgress(event, sources)),
    },
  );
  enter('evaluate');
  const served = ready.map(({ validation = null, ...source }) => ({ ...source, validation }));
  const after = await judgeAll(served, ({ task }) => taskGraph(zipped.network, task), options);
  const agreement = await agreements(ready, zipped.network, options);
  const distance = await distanceOf(ready, zipped, options);
  enter('export');
  const serving = servingGraphs(zipped.network);
  const stored = await storeParts(serving, served, recipe, {
    ...{ provider, signal, floors: floorsTold(recipe, before) },
    onProgress: (message) => onProgress?.({ stage: 'export', message }),
  });
  const report = reportMerge(options, { zipped, serving, before, after, agreement, stored, distance });
  const bundle = await exportMerge(options, { zipped, serving, served, stored }, report);
  const seconds = (performance.now() - startedAt) / 1000;
  enter('time');
  const latencyMs = await timeMerge(
    sources.map(({ graph }) => graph),
    bundle,
    { provider, signal },
  );
  return { bundle, report: withEnvironment(report, provider, { seconds, latencyMs }) };
};

const sourceOf = ({ task, graph, train, validation, inputScale }: MergeSource): Source => ({
  ...{ task, graph, train },
  ...(validation && { validation }),
  ...(inputScale && { inputScale }),
});

function zipOrExtend(
  { recipe, before }: MergeOptions,
  sources: readonly Source[],
  joined: Omit<Joined, 'nets'>,
  options: ZipOptions,
): Promise<Zipped> {
  if (!before) return zipJoined(sources, joined, recipe, options);
  const all = [...sources];
  const added = all.pop();
  const given = all.map(({ task }) => task).join(', ');
  if (!added || given !== before.tasks.join(', '))
    throw new Error(
      `Cannot extend: the networks before the last are of ${given || 'no task'}, the bundle was merged from ${before.tasks.join(', ')}`,
    );
  return extend({ ...before, sources: all }, added, recipe, options);
}

/** Of each source that has held-out samples, by task. @throws {Error} naming the task */
async function judgeAll<S extends { readonly task: string; readonly validation?: Dataset | null }>(
  sources: readonly S[],
  graphOf: (source: S) => Graph,
  { provider, signal }: MergeOptions,
): Promise<Map<string, Judgement>> {
  const judged = new Map<string, Judgement>();
  for (const source of sources) {
    if (!source.validation || !isLabelled(source.validation)) continue;
    const options = { provider, ...(signal && { signal }) };
    try {
      judged.set(source.task, await judge(graphOf(source), source.validation, options));
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Cannot measure the accuracy of "${source.task}": ${reason}`, { cause });
    }
  }
  return judged;
}

/** Where no labels tell what is right: how often the merged network answers as the task's own, on held-out samples. */
async function agreements(
  sources: readonly Source[],
  network: Network,
  { provider, signal }: MergeOptions,
): Promise<Map<string, Agreement>> {
  const found = new Map<string, Agreement>();
  for (const { task, graph, train, validation } of sources) {
    const data = validation ?? train;
    if (isLabelled(data)) continue;
    const options = { provider, ...(signal && { signal }) };
    const labels = await answersOf(graph, data, options);
    const share = await accuracyOf(taskGraph(network, task), { ...data, labels }, options);
    found.set(task, { share, samples: data.size });
  }
  return found;
}

/** Mean over the tasks that have held-out samples of how far their answers are from those of the networks they came from. */
async function distanceOf(
  sources: readonly Source[],
  { network, plan }: Zipped,
  { provider, signal }: MergeOptions,
): Promise<number | null> {
  // It stands beside what was predicted.
  if (!plan.prediction) return null;
  const distances: number[] = [];
  for (const { task, graph, validation: data } of sources) {
    if (!data) continue;
    const merged = { graph: taskGraph(network, task), data };
    distances.push(await answersApart(merged, { graph, data }, { provider, signal }));
  }
  return distances.length === 0 ? null : distances.reduce((sum, each) => sum + each, 0) / distances.length;
}

/** What is known of the networks before they are merged. */
const separately = (judged: ReadonlyMap<string, Judgement>): MergeProgress => ({
  stage: 'evaluate',
  message: 'the separate networks on held-out samples',
  accuracy: Object.fromEntries(Array.from(judged, ([task, one]) => [task, one.accuracy])),
});

interface Outcome {
  readonly zipped: Zipped;
  readonly serving: ServingGraphs;
  /** The networks as they were, with samples as the bundle reads them. */
  readonly served: readonly TaskSamples[];
  readonly stored: Stored | undefined;
}

function exportMerge(
  { name, createdAt, preprocessing, sources, recipe, before }: MergeOptions,
  { zipped, serving, served, stored }: Outcome,
  report: Report,
): Promise<Bundle> {
  const { network, sharing, retrainingSteps } = zipped;
  const { trunk, heads } = serving;
  const told = new Map(report.tasks.map((one) => [one.task, one]));
  return exportBundle(
    {
      ...{ name, createdAt, preprocessing, trunk, recipe, report, stored: stored?.parts },
      heads: heads.map(({ task, graph }) => ({
        ...{ task, graph },
        labels: told.get(task)?.labels ?? [],
        accuracy: told.get(task)?.accuracy ?? null,
      })),
      lineage: {
        models: sources.map(({ task, model }) => ({ task, name: model.name, sha256: model.sha256 })),
        retrainingSteps: (before?.retrainingSteps ?? 0) + retrainingSteps,
      },
      sharing: [...sharing],
    },
    { graph: jointGraph(network), outputs: Object.fromEntries(heads.map(({ task }) => [task, task])) },
    { samples: firstSamples(served) },
  );
}

/** The first samples of each task, one after the other. */
function firstSamples(sources: readonly TaskSamples[]): Tensor<'float32'> {
  const parts = sources.map(({ train, validation }) => {
    const data = validation ?? train;
    const count = Math.min(paritySamples, data.size);
    return { count, values: data.inputs(Uint32Array.from({ length: count }, (_, index) => index)) };
  });
  const data = new Float32Array(parts.reduce((total, { values }) => total + values.length, 0));
  let offset = 0;
  for (const { values } of parts) {
    data.set(values, offset);
    offset += values.length;
  }
  const count = parts.reduce((total, part) => total + part.count, 0);
  return { dtype: 'float32', dims: [count, ...(sources[0]?.train.sampleDims ?? [])], data };
}

function toProgress(event: ZipProgress, sources: readonly MergeSource[]): MergeProgress {
  const { layer, layerIndex, hiddenLayers: layers } = event;
  const place = { layer, layerIndex, layers };
  switch (event.stage) {
    case 'measure': {
      const { task, samples, of } = event;
      const fewer = samples < of ? ` by ${samples} of ${of} samples: more would not fit into memory` : '';
      return { ...place, stage: 'measure', message: `measuring what "${task}" feeds it${fewer}` };
    }
    case 'share':
      return {
        ...place,
        stage: 'share',
        message: `${event.channels} channels shared, second-order loss ${event.cost.toPrecision(3)}`,
      };
    case 'retrain': {
      const { step, steps, stepsPerSecond, etaMs } = event;
      const losses = Object.fromEntries(sources.map(({ task }, index) => [task, event.losses[index] ?? NaN]));
      return { ...place, ...{ step, steps, losses, stepsPerSecond, etaMs }, stage: 'retrain' };
    }
    case 'validate':
      return { ...place, stage: 'validate', accuracy: { ...event.accuracy } };
    case 'floor':
      return {
        ...place,
        stage: 'floor',
        accuracy: { ...event.accuracy },
        message: `below its floor: ${event.group} shares ${event.to} channels instead of ${event.from}`,
      };
    default:
      return event satisfies never;
  }
}
