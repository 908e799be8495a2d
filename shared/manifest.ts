import { z } from 'zod';
import { dataTypes, type DataType } from './tensor.ts';
import { preprocessing } from './preprocessing.ts';
import { recipe, storages } from './recipe.ts';

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hex');
/** Names that appear in URLs, file names and tensor names. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'must be 1 to 63 of a-z, 0-9, ".", "_", "-", starting with a letter or digit',
  );

const dataType = z.enum(Object.keys(dataTypes) as [DataType, ...DataType[]]);

/** A tensor at a model's edge. -1 is a variable dimension; the first is the batch. */
export const tensorSpec = z.strictObject({
  name: z.string().min(1),
  dtype: dataType,
  dims: z.array(z.int().min(-1)).max(8),
});
export type TensorSpec = z.infer<typeof tensorSpec>;

/** Type and dims for a sentence: `float32 [-1, 10]`. */
export const describeTensor = ({ dtype, dims }: Pick<TensorSpec, 'dtype' | 'dims'>): string =>
  `${dtype} [${dims.join(', ')}]`;

/** A file of the bundle, stored as the blob of its digest. `path` is what ONNX external data calls it: no folders. */
export const bundleFile = z.strictObject({
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a plain file name'),
  sha256,
  sizeBytes: z.int().min(0),
});
export type BundleFile = z.infer<typeof bundleFile>;

/** One ONNX graph of the bundle and the external-data files its weights lie in (paths into `files`). */
const subgraph = z.strictObject({
  graph: z.string(),
  weights: z.array(z.string()),
  inputs: z.array(tensorSpec).min(1),
  /** Multiply-adds for one sample. */
  macs: z.int().min(0),
  parameters: z.int().min(0),
});

export const trunk = z.strictObject({ ...subgraph.shape, taps: z.array(tensorSpec).min(1) });
export type Trunk = z.infer<typeof trunk>;

/** Fraction of held-out samples answered right (0 to 1): by the source net, and by this bundle. */
export const accuracy = z.strictObject({
  before: z.number().min(0).max(1),
  after: z.number().min(0).max(1),
  samples: z.int().min(1),
});

export const head = z.strictObject({
  ...subgraph.shape,
  task: name,
  /** The task's answer, e.g. logits [-1, 10]. Its `name` is the ONNX output; clients ask for it by `task`. */
  output: tensorSpec,
  labels: z.array(z.string()),
  accuracy: accuracy.nullable(),
});
export type Head = z.infer<typeof head>;

/** Which original channels became one, per zipped layer: `channels[i]` are the source channels of merged channel i, by task. */
export const sharingRecord = z.strictObject({
  layer: z.string(),
  /** Channels each source net has in this layer, by task; a task that has none, because it was added without the layer, is not here. */
  widths: z.record(name, z.int().min(1)),
  channels: z.array(z.record(name, z.int().min(0))),
  /** The source channels that stayed each task's own, in the order in which they are stored. */
  own: z.record(name, z.array(z.int().min(0))).optional(),
  /** Predicted second-order loss of each shared pair, summed. */
  cost: z.number().min(0),
  /** Incoming weights stored after and before. */
  weights: z.strictObject({ before: z.int().min(0), after: z.int().min(0) }),
});
export type SharingRecord = z.infer<typeof sharingRecord>;

/** What the cross-checks look at. */
interface Parts {
  inputs: TensorSpec[];
  trunk: Trunk | null;
  heads: Head[];
  files: BundleFile[];
  report?: { json: string; html: string } | undefined;
}

/** Names that are used twice, and files that are named but not listed. */
function misnamed({ inputs, trunk, heads, files, report }: Parts): string[] {
  const complaints: string[] = [];
  const paths = new Set(files.map((file) => file.path));
  if (paths.size < files.length) complaints.push('two files have the same path');
  if (new Set(heads.map((one) => one.task)).size < heads.length) {
    complaints.push('two heads answer the same task');
  }
  const tensors = [...inputs, ...(trunk?.taps ?? [])].map((tensor) => tensor.name);
  if (new Set(tensors).size < tensors.length) complaints.push('two inputs or taps have the same name');
  for (const part of [...(trunk ? [trunk] : []), ...heads]) {
    for (const path of [part.graph, ...part.weights]) {
      if (!paths.has(path)) complaints.push(`"${path}" is not among the files`);
    }
  }
  for (const path of report ? [report.json, report.html] : []) {
    if (!paths.has(path)) complaints.push(`report "${path}" is not among the files`);
  }
  return complaints;
}

/** Parts that read what nothing gives them, or as another type or shape than it has. */
function misread({ inputs, trunk, heads }: Parts): string[] {
  const complaints: string[] = [];
  const available = new Map(inputs.map((tensor) => [tensor.name, tensor]));
  const read = (part: string, tensors: TensorSpec[]): void => {
    for (const tensor of tensors) {
      const source = available.get(tensor.name);
      if (source === undefined) {
        complaints.push(`${part} reads "${tensor.name}", which is neither an input nor a tap`);
      } else if (describeTensor(source) !== describeTensor(tensor)) {
        complaints.push(
          `${part} reads "${tensor.name}" as ${describeTensor(tensor)}, but it is ${describeTensor(source)}`,
        );
      }
    }
  };
  if (trunk) read('the trunk', trunk.inputs);
  for (const tap of trunk?.taps ?? []) available.set(tap.name, tap);
  for (const one of heads) read(`head "${one.task}"`, one.inputs);
  return complaints;
}

export const manifest = z
  .strictObject({
    format: z.literal('trunkline.bundle/1'),
    name,
    createdAt: z.iso.datetime(),
    /** What a client sends. */
    inputs: z.array(tensorSpec).min(1),
    /** Null when nothing is shared: then every head is a whole network and reads `inputs`. */
    trunk: trunk.nullable(),
    heads: z.array(head).min(1).max(64),
    /** At most as many as one request of the control Worker can look at. */
    files: z.array(bundleFile).min(1).max(256),
    /** Absent: float32. */
    storage: z.enum(storages).optional(),
    /** Paths into `files` of what is known about the bundle: for programs (shared/report.ts) and as a page. */
    report: z.strictObject({ json: z.string(), html: z.string() }).optional(),
    /** How inputs are made from raw data, declared once. A sentence where inputs are not images or nobody said. */
    preprocessing: z.union([preprocessing, z.string()]),
    /** Null for a network packed as it is. */
    recipe: recipe.nullable(),
    lineage: z.strictObject({
      models: z.array(z.strictObject({ task: name, name: z.string(), sha256 })).min(1),
      retrainingSteps: z.int().min(0),
    }),
    sharing: z.array(sharingRecord),
    /** Largest output difference of the exported files against the trained graph, on pinned inputs. */
    parity: z.strictObject({
      maxAbsDifference: z.number().min(0),
      tolerance: z.number().positive(),
      samples: z.int().min(1),
    }),
  })
  .check((ctx) => {
    for (const message of [...misnamed(ctx.value), ...misread(ctx.value)]) {
      ctx.issues.push({ code: 'custom', message, input: ctx.value });
    }
  });
/** What a bundle is. Its id is the SHA-256 of the manifest's bytes. */
export type Manifest = z.infer<typeof manifest>;

/** The files that trunk and heads are read from: what serving takes. The report is not among them. */
export const servedFiles = ({
  trunk: shared,
  heads,
  files,
}: Pick<Manifest, 'trunk' | 'heads' | 'files'>): BundleFile[] => {
  const read = new Set([shared, ...heads].flatMap((part) => (part ? [part.graph, ...part.weights] : [])));
  return files.filter(({ path }) => read.has(path));
};
