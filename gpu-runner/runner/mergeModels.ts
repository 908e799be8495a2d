import { env } from 'onnxruntime-node';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import type { Head, Manifest } from '../../shared/manifest.ts';
import type { MergeReport } from '../../shared/merge-report.ts';
import type { Progress } from '../../shared/jobs.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Tensor } from '../../shared/tensor.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { exportBundle } from '../bundle/export.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { countMacs, countParameters } from '../mtz/count.ts';
import { accuracyOf } from '../mtz/evaluate.ts';
import { jointGraph, servingGraphs, taskGraph } from '../mtz/wiring.ts';
import { zip, type ZipProgress, type Zipped } from '../mtz/zip.ts';
import type { Graph } from '../onnx/graph.ts';
import { LossCurve } from './lossCurve.ts';
import { Stopwatch } from './stopwatch.ts';

/** A trained network, the samples of its task, and where it comes from. */
export interface MergeSource {
  readonly task: string;
  readonly graph: Graph;
  /** Of its classes, or none. */
  readonly labels: readonly string[];
  readonly train: Dataset;
  /** Held out: what the accuracies are measured on, and some of it parity. */
  readonly validation: Dataset | null;
  readonly model: { readonly name: string; readonly sha256: string; readonly sizeBytes: number };
}

/** Where a merge that was interrupted goes on. The bytes mean something to `mergeModels` only. */
export interface MergeCheckpoint {
  /** What was saved last, or undefined at the beginning. */
  load(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  save(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

export type MergeProgress = Omit<Progress, 'at'>;

export interface MergeOptions {
  /** The bundle's. */
  readonly name: string;
  /** Part of the bundle, thus of its id: the same merge again is the same bundle when this is the same. */
  readonly createdAt: Date;
  readonly preprocessing: Manifest['preprocessing'];
  readonly sources: readonly MergeSource[];
  readonly recipe: Recipe;
  readonly provider: Provider;
  readonly checkpoint?: MergeCheckpoint | undefined;
  readonly onProgress?: ((progress: MergeProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Merged {
  readonly bundle: Bundle;
  readonly report: MergeReport;
}

export type MergeModels = (options: MergeOptions) => Promise<Merged>;

/** Real samples of each task that parity is checked on. */
const paritySamples = 64;

/**
 * The whole way from networks and data to a bundle: judge the sources, zip, judge the result, cut it for serving, export
 * it and check the files against the trained network. Reads and writes nothing: files are the caller's.
 *
 * @throws {Error} when something does not fit or parity is not met; the signal's reason when it is aborted
 */
export const mergeModels: MergeModels = async (options) => {
  const { sources, recipe, provider, signal, onProgress, checkpoint } = options;
  const watch = new Stopwatch();
  const curve = new LossCurve();
  const layerAccuracy = new Map<string, Record<string, number>>();
  const enter = (stage: string): void => {
    signal?.throwIfAborted();
    watch.enter(stage);
    onProgress?.({ stage });
  };

  enter('evaluate');
  const before = await accuracies(sources, (source) => source.graph, options);
  enter('zip');
  const zipped = await zip(
    sources.map(({ task, graph, train, validation }) => ({
      ...{ task, graph, train },
      ...(validation && { validation }),
    })),
    recipe,
    {
      provider,
      ...(signal && { signal }),
      ...(checkpoint && {
        checkpoint: { from: await checkpoint.load(), save: (bytes) => checkpoint.save(bytes) },
      }),
      onProgress(event) {
        const progress = toProgress(event, sources);
        watch.enter(progress.stage);
        if (event.stage === 'validate') layerAccuracy.set(event.layer, { ...event.accuracy });
        if (event.stage === 'retrain') curve.add(event.layer, event.step, progress.losses ?? {});
        onProgress?.(progress);
      },
    },
  );
  enter('evaluate');
  const after = await accuracies(sources, ({ task }) => taskGraph(zipped.network, task), options);
  enter('export');
  const accuracy = (task: string): Head['accuracy'] => {
    const [one, other] = [before.get(task), after.get(task)];
    const samples = sources.find((source) => source.task === task)?.validation?.size;
    return one === undefined || other === undefined || samples === undefined
      ? null
      : { before: one, after: other, samples };
  };
  const bundle = await exportZipped(zipped, accuracy, options);
  watch.end();
  const { manifest } = bundle;
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const parts = [...(manifest.trunk ? [manifest.trunk] : []), ...manifest.heads];
  const report: MergeReport = {
    format: 'trunkline.report/1',
    bundle: bundle.id,
    name: manifest.name,
    tasks: sources.map(({ task, model, train, validation }) => ({
      task,
      model: { name: model.name, sha256: model.sha256 },
      trainSamples: train.size,
      validationSamples: validation?.size ?? 0,
      accuracy: accuracy(task),
    })),
    size: {
      parameters: {
        before: sum(sources.map(({ graph }) => countParameters(graph))),
        after: sum(parts.map(({ parameters }) => parameters)),
      },
      macs: {
        before: sum(sources.map(({ graph }) => countMacs(graph))),
        after: sum(parts.map(({ macs }) => macs)),
      },
      bytes: {
        before: sum(sources.map(({ model }) => model.sizeBytes)),
        after: sum(manifest.files.map(({ sizeBytes }) => sizeBytes)),
      },
    },
    layers: zipped.sharing.map(({ channels, ...record }) => ({
      ...record,
      shared: channels.length,
      accuracy: layerAccuracy.get(record.layer) ?? {},
    })),
    retraining: { steps: zipped.retrainingSteps, curve: curve.points },
    parity: manifest.parity,
    stages: watch.stages,
    machine: machine(provider),
  };
  return { bundle, report };
};

/** Of each source that has held-out samples, by task. */
async function accuracies(
  sources: readonly MergeSource[],
  graphOf: (source: MergeSource) => Graph,
  { provider, signal }: MergeOptions,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const source of sources) {
    if (!source.validation) continue;
    const options = { provider, ...(signal && { signal }) };
    found.set(source.task, await accuracyOf(graphOf(source), source.validation, options));
  }
  return found;
}

function exportZipped(
  { network, sharing, retrainingSteps }: Zipped,
  accuracy: (task: string) => Head['accuracy'],
  { name, createdAt, preprocessing, sources, recipe }: MergeOptions,
): Promise<Bundle> {
  const { trunk, heads } = servingGraphs(network);
  const labels = new Map(sources.map((source) => [source.task, source.labels]));
  return exportBundle(
    {
      ...{ name, createdAt, preprocessing, trunk, recipe },
      heads: heads.map(({ task, graph }) => ({
        ...{ task, graph },
        labels: labels.get(task) ?? [],
        accuracy: accuracy(task),
      })),
      lineage: {
        models: sources.map(({ task, model }) => ({ task, name: model.name, sha256: model.sha256 })),
        retrainingSteps,
      },
      sharing: [...sharing],
    },
    { graph: jointGraph(network), outputs: Object.fromEntries(heads.map(({ task }) => [task, task])) },
    { samples: firstSamples(sources) },
  );
}

/** The first samples of each task, one after the other. */
function firstSamples(sources: readonly MergeSource[]): Tensor<'float32'> {
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
    case 'measure':
      return { ...place, stage: 'measure', message: `measuring what "${event.task}" feeds it` };
    case 'share':
      return {
        ...place,
        stage: 'share',
        message: `${event.channels} channels shared, predicted loss ${event.cost.toPrecision(3)}`,
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

const machine = (provider: Provider): MergeReport['machine'] => ({
  node: process.version,
  onnxRuntime: env.versions.node ?? env.versions.common,
  platform: `${platform()}-${arch()}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  provider,
});
