import type { Head, Manifest, TensorSpec } from '../../shared/manifest.ts';
import type { ReportInput } from '../../shared/report.ts';
import type { Graph } from '../onnx/graph.ts';
import { countMacs, countParameters } from '../mtz/count.ts';
import { sealBundle, sha256, type Bundle } from './bundle.ts';
import { packGraphs, type PackedGraph, type PackedGraphs } from './packGraphs.ts';
import { checkParity, type ParityOptions, type TrainedGraph } from './parity.ts';
import type { Parts } from './quantise/parts.ts';
import { plainReport } from './report/plainReport.ts';
import { reportFiles } from './report/reportFiles.ts';
import { checkStored, storedParity, type StoredParts } from './storedParts.ts';
import { tensorSpec } from './tensorSpec.ts';

export interface SourceHead {
  readonly task: string;
  /** One output; its inputs are taps of the trunk or the bundle's own inputs. */
  readonly graph: Graph;
  /** One for each number of its answer, or none. */
  readonly labels: readonly string[];
  readonly accuracy: Head['accuracy'];
}

/** What becomes a bundle. */
export interface BundleSource extends Pick<
  Manifest,
  'name' | 'preprocessing' | 'recipe' | 'lineage' | 'sharing'
> {
  /** Its outputs are the taps. Null when nothing is shared: every head is then a whole network. */
  readonly trunk: Graph | null;
  readonly heads: readonly SourceHead[];
  /** Trunk and heads as their files hold them, when not as float32. Parameters and multiply-adds are those above. */
  readonly stored?: StoredParts | undefined;
  /** What is known about the bundle, stored with it as JSON and as a page; left out: what the manifest tells. */
  readonly report?: ReportInput | undefined;
  /** Now, when left out. Part of the manifest, thus of the bundle's id. */
  readonly createdAt?: Date | undefined;
}

/**
 * Makes a bundle and checks its files against the network as it was trained.
 *
 * @throws {Error} when the graphs do not fit together, the manifest would not be valid, or parity is not met
 */
export async function exportBundle(
  source: BundleSource,
  trained: TrainedGraph,
  parity?: ParityOptions,
): Promise<Bundle> {
  const { trunk, heads, stored, report, createdAt = new Date(), ...described } = source;
  let { parts, files } = packParts({ trunk, heads });
  let measured = await checkParity(parts, files, trained, parity);
  if (stored) {
    // Put together right to the last digit; now with rounded weights.
    checkStored(stored, { trunk, heads });
    ({ parts, files } = packParts({ trunk, heads }, stored));
    measured = await checkParity(parts, files, trained, storedParity(stored, parity));
  }
  const told = {
    ...described,
    createdAt: createdAt.toISOString(),
    ...parts,
    ...(stored && { storage: stored.storage }),
  };
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const network = trunk === null && heads.length === 1 ? heads[0]?.graph : undefined;
  const reported = reportFiles(report ?? plainReport(told, { bytes, network }));
  for (const [path, content] of reported.files) files.set(path, content);
  const manifest: Manifest = {
    format: 'trunkline.bundle/1',
    ...told,
    report: reported.paths,
    files: [...files]
      .map(([path, content]) => ({ path, sha256: sha256(content), sizeBytes: content.length }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    parity: measured,
  };
  return sealBundle(manifest, files);
}

/** The files of `stored`, and the manifest's description of the parts, which counts what `source` computes. */
function packParts(
  { trunk, heads }: Pick<BundleSource, 'trunk' | 'heads'>,
  stored: Parts = { trunk, heads },
): { parts: Pick<Manifest, 'inputs' | 'trunk' | 'heads'>; files: PackedGraphs['files'] } {
  const { graphs, files } = packGraphs([
    ...(stored.trunk ? [{ name: 'trunk', graph: stored.trunk }] : []),
    ...stored.heads.map(({ task, graph }) => ({ name: `head-${task}`, graph })),
  ]);
  const packedHeads = trunk ? graphs.slice(1) : graphs;
  const parts = {
    inputs: bundleInputs(trunk, heads),
    trunk: trunk && { ...describe(trunk, graphs[0]), taps: trunk.outputs.map(tensorSpec) },
    heads: heads.map(({ task, graph, labels, accuracy }, index) => ({
      ...describe(graph, packedHeads[index]),
      task,
      output: headOutput(task, graph, labels),
      labels: [...labels],
      accuracy,
    })),
  };
  return { parts, files };
}

export interface ModelSource extends Pick<Manifest, 'name' | 'preprocessing'> {
  readonly task: string;
  /** One input and one output. */
  readonly graph: Graph;
  readonly labels: readonly string[];
  /** Fraction of `samples` held-out samples answered right. */
  readonly accuracy: { readonly fraction: number; readonly samples: number } | null;
  /** SHA-256 of the ONNX file that it was read from. */
  readonly sha256: string;
  readonly createdAt?: Date | undefined;
}

/** A single network as a bundle: no trunk, one head, and a report of what there is to tell. @throws {Error} as `exportBundle` does */
export async function packModel(model: ModelSource, parity?: ParityOptions): Promise<Bundle> {
  const { name, preprocessing, task, graph, labels, accuracy, createdAt } = model;
  const output = graph.outputs[0]?.name ?? '';
  return exportBundle(
    {
      name,
      preprocessing,
      createdAt,
      trunk: null,
      heads: [
        {
          task,
          graph,
          labels,
          accuracy: accuracy && {
            before: accuracy.fraction,
            after: accuracy.fraction,
            samples: accuracy.samples,
          },
        },
      ],
      recipe: null,
      lineage: { models: [{ task, name, sha256: model.sha256 }], retrainingSteps: 0 },
      sharing: [],
    },
    { graph, outputs: { [task]: output } },
    parity,
  );
}

/** What a client must send: inputs of the trunk, and those of heads that are not taps. */
function bundleInputs(trunk: Graph | null, heads: readonly SourceHead[]): TensorSpec[] {
  const taps = new Set(trunk?.outputs.map((tap) => tap.name));
  const inputs = new Map<string, TensorSpec>();
  for (const graph of [...(trunk ? [trunk] : []), ...heads.map((head) => head.graph)]) {
    for (const spec of graph.inputs.map(tensorSpec)) {
      if (taps.has(spec.name)) continue;
      const known = inputs.get(spec.name) ?? spec;
      if (known.dtype !== spec.dtype || known.dims.join() !== spec.dims.join())
        throw new Error(
          `Cannot export bundle: input "${spec.name}" is ${show(known)} in one graph and ${show(spec)} in another`,
        );
      inputs.set(spec.name, known);
    }
  }
  return [...inputs.values()];
}

function describe(
  graph: Graph,
  packed: PackedGraph | undefined,
): Omit<NonNullable<Manifest['trunk']>, 'taps'> {
  if (!packed) throw new Error(`Cannot export bundle: graph "${graph.name}" was not packed`);
  return {
    ...packed,
    inputs: graph.inputs.map(tensorSpec),
    macs: countMacs(graph),
    parameters: countParameters(graph),
  };
}

function headOutput(task: string, graph: Graph, labels: readonly string[]): TensorSpec {
  const refuse = (reason: string): Error => new Error(`Cannot export bundle: head "${task}" ${reason}`);
  const [output, ...others] = graph.outputs.map(tensorSpec);
  if (!output || others.length > 0) throw refuse(`has ${graph.outputs.length} outputs, not one`);
  const width = output.dims.at(-1) ?? -1;
  if (labels.length > 0 && width !== -1 && width !== labels.length)
    throw refuse(`answers ${width} numbers, but has ${labels.length} labels`);
  return output;
}

const show = ({ dtype, dims }: TensorSpec): string => `${dtype} [${dims.join()}]`;
