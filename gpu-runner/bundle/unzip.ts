/**
 * Tasks out of a bundle again, from its files alone: as they are stored, whether or not its sources still exist.
 */
import type { Manifest } from '../../shared/manifest.ts';
import type { Report } from '../../shared/report.ts';
import { countMacs, countParameters } from '../mtz/count.ts';
import type { Graph } from '../onnx/graph.ts';
import { sealBundle, sha256, type Bundle } from './bundle.ts';
import { composeTask } from './composeTask.ts';
import {
  forgetInRecipe,
  forgetInReport,
  forgetInSharing,
  forgetLabels,
  omit,
  takenOut,
} from './forgetTask.ts';
import { packGraphs, type PackedGraphs } from './packGraphs.ts';
import { checkParity, type Parity } from './parity.ts';
import { partsOf, type Parts } from './quantise/parts.ts';
import { readParts } from './readParts.ts';
import { plainReport } from './report/plainReport.ts';
import { checkReport, reportFiles } from './report/reportFiles.ts';
import { tensorSpec } from './tensorSpec.ts';

type Contents = Pick<Bundle, 'id' | 'manifest' | 'files'>;
type Described = Pick<Manifest, 'inputs' | 'trunk' | 'heads'>;

export interface TaskNet {
  /** The trunk and the task's head as one network: the bundle's input to the task's output. */
  readonly graph: Graph;
  /** Its answers against the bundle's. */
  readonly parity: Parity;
}

/**
 * One task's network, out of a bundle: what only other tasks need of the trunk is left out. Checked against what the
 * bundle's own files answer.
 *
 * @throws {Error} when the bundle has no such task, its files cannot be read, or the answers differ
 */
export async function unzipTask(bundle: Contents, task: string): Promise<TaskNet> {
  checkTask(bundle, task);
  const graph = composeTask(readParts(bundle), task);
  return { graph, parity: await sameAnswers(bundle.manifest, bundle.files, graph, task) };
}

export interface RestOptions {
  /** Of the new bundle. */
  readonly name: string;
  readonly createdAt: Date;
}

/**
 * The bundle without a task: without its head, and what only that needs of the trunk; its manifest, record of sharing and
 * report speak of the tasks that are left. Each of these answers as before, which is checked. In the record, costs and
 * weights stay those of the merge, in which the task took part.
 *
 * @throws {Error} when the bundle has no such task or no other, its files cannot be read, or an answer differs
 */
export async function withoutTask(
  bundle: Contents,
  task: string,
  { name, createdAt }: RestOptions,
): Promise<Bundle> {
  const { manifest } = bundle;
  checkTask(bundle, task);
  if (manifest.heads.length === 1)
    throw new Error(`Cannot leave a bundle without "${task}": it has no other task`);
  const before = readParts(bundle);
  const rest = restOf(before, task);
  const tasks = manifest.lineage.models.map((model) => model.task);
  for (const { graph } of partsOf(rest)) forgetLabels(graph, tasks, task);
  const packed = packGraphs(
    partsOf(rest).map(({ part, graph }) => ({ name: graph === rest.trunk ? part : `head-${part}`, graph })),
  );
  const described = describeRest(manifest, task, { before, rest, packed });

  let drift = 0;
  for (const head of described.heads) {
    const graph = composeTask(before, head.task);
    await sameAnswers(manifest, bundle.files, graph, head.task);
    const { maxAbsDifference } = await sameAnswers(described, packed.files, graph, head.task);
    drift = Math.max(drift, maxAbsDifference);
  }

  const recipe = manifest.recipe && forgetInRecipe(manifest.recipe, task);
  const dated = { name, createdAt: createdAt.toISOString() };
  const told = readReport(bundle);
  const left = {
    ...{ ...omit(manifest, 'format', 'report', 'files', 'parity'), ...described, ...dated, recipe },
    lineage: {
      ...manifest.lineage,
      models: manifest.lineage.models.filter((model) => model.task !== task),
    },
    sharing: forgetInSharing(manifest.sharing, task),
  };
  const reported = reportFiles(
    told
      ? forgetInReport(told, task, {
          ...{ ...dated, recipe, from: bundle.id, trunkMacs: described.trunk?.macs ?? 0 },
          headMacs: Object.fromEntries(described.heads.map((head) => [head.task, head.macs])),
        })
      : reportOf(left, packed, takenOut(task, bundle.id)),
  );
  const files = new Map([...packed.files, ...reported.files]);
  return sealBundle(
    {
      ...left,
      format: manifest.format,
      report: reported.paths,
      files: [...files]
        .map(([path, content]) => ({ path, sha256: sha256(content), sizeBytes: content.length }))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
      // The trained network is not here: these files are at most so far from it as those were, and from those.
      parity: { ...manifest.parity, maxAbsDifference: manifest.parity.maxAbsDifference + drift },
    },
    files,
  );
}

function checkTask({ manifest }: Contents, task: string): void {
  const tasks = manifest.heads.map((head) => head.task);
  if (!tasks.includes(task))
    throw new Error(`Cannot take out "${task}": the bundle's tasks are ${tasks.join(', ')}`);
}

/** Trunk and heads without one of these, and without the taps that only that one reads. */
function restOf({ trunk, heads }: Parts, task: string): Parts {
  const left = heads
    .filter((head) => head.task !== task)
    .map((head) => ({ ...head, graph: head.graph.clone() }));
  const read = new Set(left.flatMap(({ graph }) => graph.inputs.map((input) => input.name)));
  const taps = trunk?.outputs.filter((tap) => read.has(tap.name)) ?? [];
  if (!trunk || taps.length === 0) return { trunk: null, heads: left };
  const rest = trunk.clone();
  rest.outputs = taps;
  rest.prune();
  return { trunk: rest, heads: left };
}

/** What of the manifest tells of trunk and heads. Parameters and multiply-adds that were left out are taken off. */
function describeRest(
  manifest: Manifest,
  task: string,
  { before, rest, packed }: { readonly before: Parts; readonly rest: Parts; readonly packed: PackedGraphs },
): Described {
  const [trunkFiles] = packed.graphs;
  const headFiles = rest.trunk ? packed.graphs.slice(1) : packed.graphs;
  const trunk = before.trunk &&
    rest.trunk &&
    manifest.trunk && {
      ...manifest.trunk,
      ...trunkFiles,
      taps: rest.trunk.outputs.map(tensorSpec),
      macs: manifest.trunk.macs - countMacs(before.trunk) + countMacs(rest.trunk),
      parameters: manifest.trunk.parameters - countParameters(before.trunk) + countParameters(rest.trunk),
    };
  const heads = manifest.heads
    .filter((head) => head.task !== task)
    .map((head, index) => ({ ...head, ...headFiles[index] }));
  const read = new Set([trunk, ...heads].flatMap((part) => part?.inputs.map((input) => input.name) ?? []));
  return { trunk, heads, inputs: manifest.inputs.filter((input) => read.has(input.name)) };
}

/** Of a bundle that came without one. */
function reportOf(left: Parameters<typeof plainReport>[0], { files }: PackedGraphs, note: string): Report {
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const report = plainReport(left, { bytes });
  return { ...report, notes: [...report.notes, note] };
}

function readReport({ manifest, files }: Contents) {
  const bytes = files.get(manifest.report?.json ?? '');
  return bytes && checkReport(JSON.parse(new TextDecoder().decode(bytes)));
}

/**
 * A network against files of a bundle, on random samples: both hold the same numbers, in whatever form these are stored.
 *
 * @throws {Error} when they differ by more than kernels that are fused otherwise explain
 */
async function sameAnswers(
  parts: Described,
  files: ReadonlyMap<string, Uint8Array>,
  graph: Graph,
  task: string,
): Promise<Parity> {
  const heads = parts.heads.filter((head) => head.task === task);
  const outputs = { [task]: graph.outputs[0]?.name ?? '' };
  try {
    return await checkParity({ ...parts, heads }, files, { graph, outputs });
  } catch (cause) {
    throw new Error(
      `Cannot unzip "${task}": put together, it does not answer as the bundle does (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    );
  }
}
