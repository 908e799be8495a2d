import { declaredSampleDims, type DatasetDocument } from '../../../shared/dataset.ts';
import type { Inspection } from '../../../shared/inspection.ts';
import { describeTensor, type TensorSpec } from '../../../shared/manifest.ts';
import type { Recipe } from '../../../shared/recipe.ts';
import { referenceOf, type ModelDocument } from '../../../shared/registry.ts';
import type { Database } from '../../store/database.ts';
import { findInspection } from '../../store/inspections.ts';
import type { VersionRow } from '../../store/versions.ts';
import type { ResolvedSource } from './resolved-source.ts';

/** What is known of a source before a runner works on it. */
interface Known {
  task: string;
  model: string;
  data: string;
  labels: { model: number; data: number };
  /** The network's inputs; null: no runner has read it yet. */
  inputs: TensorSpec[] | null;
  /** Classes of the network's only answer; null: not known. */
  outputs: number | null;
  /** Dims of a sample without the batch; null: not known. */
  sample: readonly number[] | null;
}

/**
 * Why these networks and data sets do not go together, as far as that is known; null: nothing speaks against it.
 *
 * @param recipe says whose channels are adapted to those of the others
 */
export async function findMismatch(
  db: Database,
  sources: readonly ResolvedSource[],
  { inputChannels = {} }: Pick<Recipe, 'inputChannels'>,
): Promise<string | null> {
  const known = await Promise.all(sources.map((source) => readKnown(db, source)));
  const isAdapted = ({ task }: Known): boolean => inputChannels[task] !== undefined;
  for (const one of known) {
    const why = misfit(one);
    if (why !== null) return why;
  }
  // What another network is held against is the input of those that stay as they are.
  const read = known.filter(({ inputs }) => inputs !== null);
  const first = read.find((one) => !isAdapted(one)) ?? read[0];
  for (const other of read) {
    const anyChannels = first !== undefined && [first, other].some(isAdapted);
    if (describe(first, anyChannels) !== describe(other, anyChannels))
      return `model "${first?.model ?? ''}" reads ${describe(first)}, model "${other.model}" reads ${describe(other)}`;
  }
  return null;
}

/** Names of inputs may differ between networks: what they are does not. The batch dimension is anybody's. */
const describe = (known: Known | undefined, anyChannels = false): string =>
  (known?.inputs ?? [])
    .map(({ dtype, dims }) =>
      describeTensor({ dtype, dims: dims.map((dim, i) => (i === 0 || (anyChannels && i === 1) ? -1 : dim)) }),
    )
    .join(' and ');

function misfit({ task, model, data, labels, inputs, outputs, sample }: Known): string | null {
  const counts = [
    [`model "${model}" has`, labels.model],
    [`data set "${data}" has`, labels.data],
  ] as const;
  const [first, second] = counts.filter(([, count]) => count > 0);
  if (first !== undefined && second !== undefined && first[1] !== second[1]) {
    return `task "${task}": ${first[0]} ${first[1]} labels, ${second[0]} ${second[1]}`;
  }
  if (outputs !== null && labels.data > outputs) {
    return `task "${task}": model "${model}" answers ${outputs} classes, data set "${data}" has ${labels.data} labels`;
  }
  const [input, ...more] = inputs ?? [];
  if (input === undefined || more.length > 0 || sample === null) return null;
  const wanted = input.dims.slice(1);
  const fits = wanted.length === sample.length && wanted.every((dim, i) => dim === -1 || dim === sample[i]);
  return fits
    ? null
    : `task "${task}": model "${model}" reads [${wanted.join(', ')}] a sample, data set "${data}" has [${sample.join(', ')}]`;
}

async function readKnown(db: Database, { task, model, data }: ResolvedSource): Promise<Known> {
  const net = await inspectionOf(db, model);
  const samples = await inspectionOf(db, data);
  // Each kind's rows hold its documents, which only the registry's schema knows.
  const modelDocument = model.document as ModelDocument;
  const dataDocument = data.document as DatasetDocument;
  const [output, ...more] = net?.kind === 'model' ? net.outputs : [];
  const classes = more.length === 0 && output?.dims.length === 2 ? (output.dims[1] ?? -1) : -1;
  return {
    task,
    model: referenceOf(model),
    data: referenceOf(data),
    labels: { model: modelDocument.labels.length, data: dataDocument.labels.length },
    inputs: net?.kind === 'model' ? net.inputs : null,
    outputs: classes > 0 ? classes : null,
    sample: samples?.kind === 'dataset' ? samples.sampleDims : declaredSampleDims(dataDocument),
  };
}

async function inspectionOf(db: Database, row: VersionRow): Promise<Inspection | null> {
  return (await findInspection(db, row))?.document ?? null;
}
