import { availableParallelism, cpus, platform } from 'node:os';
import { env } from 'onnxruntime-node';
import { estimateHeapBytes, heldParameterBytes } from '../../shared/heap.ts';
import type { Storage } from '../../shared/recipe.ts';
import {
  maxLeftOut,
  type Agreement,
  type Comparison,
  type Report,
  type GroupReport,
  type TaskReport,
} from '../../shared/report.ts';
import { packGraphs } from '../bundle/packGraphs.ts';
import type { Parts } from '../bundle/quantise/parts.ts';
import { checkReport } from '../bundle/report/reportFiles.ts';
import { isLabelled } from '../engine/dataset.ts';
import type { Provider } from '../engine/providers.ts';
import { countMacs, countParameters } from '../mtz/count.ts';
import { blocksOf, type Network } from '../mtz/network.ts';
import { producersOf } from '../mtz/pairing.ts';
import { groupsInOrder } from '../mtz/survey.ts';
import { members } from '../mtz/taskSet.ts';
import type { Graph } from '../onnx/graph.ts';
import type { ServingGraphs } from '../mtz/wiring.ts';
import { densityOf, densityOfGraph, type Density } from '../mtz/zeros.ts';
import type { Zipped } from '../mtz/zip.ts';
import type { Judgement } from './judge.ts';
import type { MergeOptions } from './mergeOptions.ts';
import { retrainingReport } from './retrainingReport.ts';
import type { Stored } from './storeParts.ts';
import { tradeoffReport } from './tradeoffReport.ts';
import { unzippedOf } from './unzippedOf.ts';

/** What of a merge is told as it was asked for. */
export type ReportedMerge = Pick<
  MergeOptions,
  'name' | 'createdAt' | 'recipe' | 'sources' | 'before' | 'notes'
>;

/** What a merge led to, before and after, by task. */
export interface MergeFacts {
  readonly zipped: Zipped;
  readonly serving: ServingGraphs;
  readonly before: ReadonlyMap<string, Judgement>;
  readonly after: ReadonlyMap<string, Judgement>;
  /** Of tasks whose data have no labels. */
  readonly agreement: ReadonlyMap<string, Agreement>;
  readonly stored?: Stored | undefined;
  /** Mean over tasks of how far answers are from the separate networks', see `answersApart`; null: nobody looked. */
  readonly distance?: number | null;
}

/** Stored parameters are float32. */
const parameterBytes = 4;

/**
 * What is known of a merge, the same for the same merge: it is part of the bundle. When it was done, by what and in which
 * time is not, see {@link withEnvironment}.
 */
export function reportMerge(options: ReportedMerge, facts: MergeFacts): Report {
  const { name, createdAt, recipe, sources } = options;
  const { zipped, serving, stored } = facts;
  const graphs = [...(serving.trunk ? [serving.trunk] : []), ...serving.heads.map(({ graph }) => graph)];
  const originals = sources.map(({ graph }) => graph);
  const float32 = packedBytes(serving);
  const bytes = stored ? packedBytes(stored.parts) : float32;
  const curve = tradeoffReport(zipped, recipe, { storedBytes: bytes, distance: facts.distance ?? null });
  return checkReport({
    format: 'trunkline.report/1',
    name,
    createdAt: createdAt.toISOString(),
    tasks: sources.map((source) => taskReport(source, facts)),
    recipe,
    wiring: recipe.wiring,
    plan: groupReports(zipped),
    ...(curve && { tradeoff: curve }),
    retraining: retrainingReport(recipe, zipped, facts.before),
    figures: {
      bytes: {
        separate: total(sources.map(({ model }) => model.sizeBytes)),
        zipped: bytes,
      },
      parameters: {
        separate: total(originals.map(countParameters)),
        zipped: total(graphs.map(countParameters)),
      },
      macs: { separate: total(originals.map(countMacs)), zipped: total(graphs.map(countMacs)) },
      heapBytes: {
        separate: heapOf(originals, 'float32'),
        zipped: heapOf(graphs, recipe.storage),
      },
    },
    ...(stored && { quantisation: { ...stored.report, bytes: { float32, stored: bytes } } }),
    unzipped: unzippedOf(zipped, recipe),
    notes: [
      ...extensionNotes(options),
      ...(options.notes ?? []),
      ...zipped.notes,
      ...sparseNotes(options, facts),
      ...storageNotes(options),
      ...(zipped.plan.unpredicted === null ? [] : [zipped.plan.unpredicted]),
    ],
  });
}

/** What the edge's heap grows to by them. */
const heapOf = (graphs: readonly Graph[], storage: Storage): number =>
  estimateHeapBytes(total(graphs.map(countParameters)) * heldParameterBytes(storage));

/** What a report of a bundle that was extended says first: its retraining and losses are those of the extension. */
function extensionNotes({ before, sources }: ReportedMerge): string[] {
  if (!before) return [];
  return [
    `"${sources.at(-1)?.task ?? ''}" was added to bundle ${before.id.slice(0, 12)} of ${before.tasks.join(', ')}, which had ${before.retrainingSteps} steps of retraining.`,
  ];
}

/** How much a merge of pruned networks holds that is not 0. */
function sparseNotes({ recipe, sources }: ReportedMerge, { zipped: { network } }: MergeFacts): string[] {
  if (!recipe.sparse) return [];
  const shareOf = ({ weights, ones }: Density): string => shown(weights === 0 ? 0 : ones / weights);
  const before = sources.map(({ task, graph }) => `"${task}" ${shareOf(densityOfGraph(graph))}`).join(', ');
  return [`${shareOf(densityOf(network))} of the weights are not 0; in the separate networks: ${before}`];
}

const shown = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Whose answers nobody compared after the weights were rounded. */
function storageNotes({ sources, recipe: { storage } }: ReportedMerge): string[] {
  if (storage === 'float32') return [];
  return sources.flatMap(({ task, train, validation }) =>
    validation && isLabelled(validation)
      ? []
      : [
          `${storage}: accuracy of "${task}" not checked: no ${isLabelled(validation ?? train) ? 'held-out samples' : 'labels'}`,
        ],
  );
}

function packedBytes({ trunk, heads }: Parts): number {
  const { files } = packGraphs([
    ...(trunk ? [{ name: 'trunk', graph: trunk }] : []),
    ...heads.map(({ task, graph }) => ({ name: `head-${task}`, graph })),
  ]);
  return total([...files.values()].map(({ length }) => length));
}

/** The same report with what is different each time: the machine, the versions, the time it took and takes. */
export const withEnvironment = (
  report: Report,
  provider: Provider,
  { seconds, latencyMs }: { readonly seconds: number; readonly latencyMs: Comparison },
): Report => ({
  ...report,
  figures: { ...report.figures, latencyMs },
  environment: {
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${platform()}, ${provider}`,
    versions: { node: process.versions.node, onnxruntime: env.versions.node ?? env.versions.common },
    seconds,
  },
});

function taskReport(
  { task, model, labels, graph, train, validation, leftOut = [] }: ReportedMerge['sources'][number],
  { serving, before, after, agreement, stored }: MergeFacts,
): Omit<TaskReport, 'labels'> & { labels: string[] } {
  // What is served is what was stored: int8 answers a little differently.
  const [one, other] = [before.get(task), stored?.judged.get(task) ?? after.get(task)];
  const agrees = agreement.get(task);
  const head = serving.heads.find((each) => each.task === task)?.graph;
  const zippedMacs = total([serving.trunk, head].map((part) => (part ? countMacs(part) : 0)));
  return {
    task,
    source: { name: model.name, sha256: model.sha256 },
    labels: [...labels],
    samples: { train: train.size, validation: validation?.size ?? 0 },
    macs: { separate: countMacs(graph), zipped: zippedMacs },
    ...(agrees && { agreement: agrees }),
    ...(leftOut.length > 0 && {
      leftOut: {
        count: leftOut.length,
        first: leftOut.slice(0, maxLeftOut).map(({ path, reason }) => ({ path, reason })),
      },
    }),
    ...(one &&
      other && {
        accuracy: { before: one.accuracy, after: other.accuracy, samples: other.samples },
        ...(one.confusion &&
          other.confusion && { confusion: { before: one.confusion, after: other.confusion } }),
      }),
  };
}

/** All groups, those that share nothing included. */
function groupReports({ network, sharing }: Pick<Zipped, 'network' | 'sharing'>): GroupReport[] {
  return [...groupsInOrder(network)].map((group) => {
    const name = network.topology.groups[group]?.name ?? String(group);
    const record = sharing.find(({ layer }) => layer === name);
    const blocks = blocksOf(network, group).map(({ tasks, sources }) => ({
      tasks: members(tasks).map((task) => taskName(network, task)),
      channels: sources.length,
    }));
    const widths = network.tasks.map((task): [string, number] => [
      task,
      total(blocks.flatMap(({ tasks, channels }) => (tasks.includes(task) ? [channels] : []))),
    ]);
    const layers = producersOf(network, group).map((step) => step.name);
    return {
      name,
      layers: layers.length > 1 ? layers : [],
      widths: Object.fromEntries(widths),
      blocks,
      ...(record && {
        cost: record.cost,
        bytes: {
          separate: record.weights.before * parameterBytes,
          zipped: record.weights.after * parameterBytes,
        },
      }),
    };
  });
}

const taskName = ({ tasks }: Network, position: number): string => tasks[position] ?? String(position);

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
