import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Dataset } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { Random } from '../engine/random.ts';
import type { TrainProgress } from '../engine/train.ts';
import type { Graph } from '../onnx/graph.ts';
import { accuracyOf } from './evaluate.ts';
import { measureGram } from './gram.ts';
import { joinChains, layerAt, type Network } from './network.ts';
import { planSharing } from './plan.ts';
import { readChain } from './readChain.ts';
import { retrain } from './retrain.ts';
import { sharingRecord } from './sharing.ts';
import { damp, type TaskGram } from './taskGram.ts';
import { allOf, single } from './taskSet.ts';
import { taskGraph } from './wiring.ts';
import { zipBlocks } from './zipBlocks.ts';

/** A trained network and the samples of its task. */
export interface Source {
  readonly task: string;
  readonly graph: Graph;
  readonly train: Dataset;
  /** Held-out samples: accuracy on them is reported after each layer. */
  readonly validation?: Dataset;
}

type Stage =
  | { readonly stage: 'measure'; readonly task: string }
  | { readonly stage: 'share'; readonly channels: number; readonly cost: number }
  | ({ readonly stage: 'retrain' } & TrainProgress)
  | { readonly stage: 'validate'; readonly accuracy: Readonly<Record<string, number>> };

/** What is being done, and to which layer. */
export type ZipProgress = Stage & {
  readonly layer: string;
  readonly layerIndex: number;
  readonly hiddenLayers: number;
};

export interface ZipOptions {
  readonly provider: Provider;
  /** How much each task's loss counts in the sharing, by task; default 1 / number of tasks. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly onProgress?: (progress: ZipProgress) => void;
  readonly signal?: AbortSignal;
}

export interface Zipped {
  readonly network: Network;
  /** One a layer that shares channels. */
  readonly sharing: readonly SharingRecord[];
  readonly retrainingSteps: number;
}

/**
 * Zips networks of different tasks into one (Multi-Task Zipping, He et al. 2018): layer by layer, from the input on,
 * measure what each task feeds the layer in the network as it now stands, share the cheapest pairs of channels in
 * closed form, and retrain a little. More than two networks are zipped in one after the other in each layer, which
 * without retraining is the joint optimum. The last layer of every network stays its own.
 *
 * Same sources, recipe and machine: same result.
 *
 * @throws {Error} when the networks do not fit each other, their data or the recipe; before anything is computed.
 */
export async function zip(sources: readonly Source[], recipe: Recipe, options: ZipOptions): Promise<Zipped> {
  const { onProgress, signal, provider } = options;
  if (sources.length < 2) throw new Error(`Cannot zip ${sources.length} network: at least 2 are needed`);
  const chains = sources.map(({ task, graph }) => ({ task, chain: readChain(graph, task) }));
  let network = joinChains(chains, recipe.wiring);
  const counts = planSharing(network, recipe);
  checkData(network, sources, recipe);
  checkWeights(sources, options.weights ?? {});
  const lastShared = counts.findLastIndex((count) => count > 0);
  const sharing: SharingRecord[] = [];
  let retrainingSteps = 0;

  for (const [index, channels] of counts.entries()) {
    if (channels === 0) continue;
    signal?.throwIfAborted();
    const place = {
      layer: layerAt(network, index).shape.name,
      layerIndex: index,
      hiddenLayers: counts.length,
    };
    const report = (event: Stage): void => onProgress?.({ ...place, ...event });

    const shared = await shareLayer(network, index, channels, sources, recipe, options, report);
    const record = sharingRecord(shared.network, index, shared.cost);
    sharing.push(record);
    report({ stage: 'share', channels, cost: record.cost });

    const { stepsPerLayer, finalSteps } = recipe.retraining;
    const steps = stepsPerLayer + (index === lastShared ? finalSteps : 0);
    network = await retrain(
      shared.network,
      sources.map(({ task, train, graph }) => ({ task, data: train, original: graph })),
      {
        retraining: recipe.retraining,
        steps,
        seed: recipe.seed + index,
        provider,
        signal,
        onProgress: (progress) => report({ stage: 'retrain', ...progress }),
      },
    );
    retrainingSteps += steps;
    const accuracy = await validate(network, sources, options);
    if (accuracy) report({ stage: 'validate', accuracy });
  }
  return { network, sharing, retrainingSteps };
}

/** Shares channels of one layer among all tasks: each further network's with those that the ones before it share. */
async function shareLayer(
  network: Network,
  index: number,
  count: number,
  sources: readonly Source[],
  recipe: Recipe,
  options: ZipOptions,
  report: (event: Stage) => void,
): Promise<{ network: Network; cost: number }> {
  const grams: TaskGram[] = [];
  for (const [task, source] of sources.entries()) {
    report({ stage: 'measure', task: source.task });
    grams.push(await taskGramOf(network, index, task, source, recipe, options));
  }
  let cost = 0;
  for (let next = 1; next < sources.length; next += 1) {
    const sides = [allOf(next), single(next)] as const;
    const zipped = await zipBlocks(network, index, sides, { count, matching: recipe.matching, grams });
    network = zipped.network;
    cost += zipped.pairs.reduce((sum, pair) => sum + pair.cost, 0);
  }
  return { network, cost };
}

async function taskGramOf(
  network: Network,
  index: number,
  task: number,
  source: Source,
  { damping, gramSamples, seed }: Recipe,
  { provider, signal, weights }: ZipOptions,
): Promise<TaskGram> {
  const samples = new Random(seed, index, task).permutation(source.train.size).subarray(0, gramSamples);
  const measured = await measureGram(network, index, task, source.train, { samples, provider, signal });
  return damp(measured, damping, weights?.[source.task] ?? 1 / network.tasks.length);
}

async function validate(
  network: Network,
  sources: readonly Source[],
  { provider, signal }: ZipOptions,
): Promise<Record<string, number> | undefined> {
  const accuracy: Record<string, number> = {};
  for (const { task, validation } of sources) {
    if (!validation) continue;
    accuracy[task] = await accuracyOf(taskGraph(network, task), validation, {
      provider,
      ...(signal && { signal }),
    });
  }
  return Object.keys(accuracy).length > 0 ? accuracy : undefined;
}

function checkData(network: Network, sources: readonly Source[], { retraining }: Recipe): void {
  const logits = layerAt(network, network.layers.length - 1);
  for (const [index, { task, train, validation }] of sources.entries()) {
    const classes = logits.blocks[index]?.sources.length ?? 0;
    for (const data of [train, ...(validation ? [validation] : [])]) {
      const problem =
        data.sampleDims.join() !== network.input.dims.join()
          ? `its samples are [${data.sampleDims.join()}], the networks read [${network.input.dims.join()}]`
          : data.classes !== classes
            ? `its samples have ${data.classes} classes, its network ${classes}`
            : data.size === 0
              ? 'it has no samples'
              : undefined;
      if (problem !== undefined) throw new Error(`Cannot zip "${task}": ${problem}`);
    }
    const retrains = retraining.stepsPerLayer + retraining.finalSteps > 0;
    if (retrains && train.size < retraining.batchSize) {
      throw new Error(
        `Cannot zip "${task}": ${train.size} samples do not fill a batch of ${retraining.batchSize}`,
      );
    }
  }
}

function checkWeights(sources: readonly Source[], weights: Readonly<Record<string, number>>): void {
  for (const [task, weight] of Object.entries(weights)) {
    if (!sources.some((source) => source.task === task))
      throw new Error(`Cannot weigh "${task}": it is not a task`);
    if (!(weight > 0 && weight < Infinity))
      throw new Error(`Cannot weigh "${task}" by ${weight}: it must be above 0`);
  }
}
