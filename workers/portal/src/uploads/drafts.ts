import type { DatasetSource, DatasetSplit } from '../../../../shared/dataset.ts';
import { bundleFile } from '../../../../shared/manifest.ts';

// What files that were dropped together are: pure functions of their names.

/** A name of the registry from a file's: "LeNet v2.onnx" becomes "lenet-v2". */
export function itemName(fileName: string): string {
  const stem = fileName.replace(/(\.tar)?\.[A-Za-z0-9]+$/, '');
  const plain = stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .replace(/[-._]+$/, '')
    .slice(0, 63);
  return plain === '' ? 'model' : plain;
}

/** What is wrong with a file's name, or null. Graphs call their weights by name: renaming here would break them. */
export const pathProblem = (fileName: string): string | null =>
  bundleFile.shape.path.safeParse(fileName).success
    ? null
    : `"${fileName}" cannot be stored under its name: use up to 128 letters, digits, ".", "_" and "-", a letter or digit first.`;

export interface ModelDraft {
  readonly name: string;
  /** The graph first, then the files its weights lie in. */
  readonly files: readonly string[];
}

export interface ModelDrafts {
  readonly models: readonly ModelDraft[];
  /** Files that belong to no graph among these. */
  readonly stray: readonly string[];
}

/**
 * One model a graph; other files are weights of the graph whose name theirs begins with ("net.onnx.data", "net.bin"), or of
 * the only graph.
 */
export function modelDrafts(fileNames: readonly string[]): ModelDrafts {
  const graphs = fileNames.filter((name) => /\.onnx$/i.test(name));
  const rest = fileNames.filter((name) => !graphs.includes(name));
  // The longest name first, so that "net-2.bin" goes to "net-2.onnx" and not to "net.onnx".
  const byLength = graphs.toSorted((a, b) => b.length - a.length);
  const owners = rest.map((name) =>
    graphs.length === 1
      ? graphs[0]
      : byLength.find((graph) => name.startsWith(graph.replace(/\.onnx$/i, ''))),
  );
  return {
    models: graphs.map((graph) => ({
      name: itemName(graph),
      files: [graph, ...rest.filter((_, at) => owners[at] === graph)],
    })),
    stray: rest.filter((_, at) => owners[at] === undefined),
  };
}

export interface DatasetDraft {
  readonly name: string;
  readonly source: DatasetSource;
  readonly split: DatasetSplit;
  readonly files: readonly string[];
}

const images = /images|idx3/i;
const labels = /labels|idx1/i;
const heldOut = /t10k|test|val/i;
/** What a file of images alone must be called to be taken for IDX: photographs may be called images too. */
const surelyIdx = /idx|ubyte|\.gz$/i;

/** The data set that these files are, or why they are none. */
export function datasetDraft(fileNames: readonly string[]): DatasetDraft | string {
  const split: DatasetSplit = { validation: 0.1, seed: 1 };
  const [first = '', ...more] = fileNames;
  if (fileNames.length === 0) return 'There are no files.';
  if (/\.npz$/i.test(first) && more.length === 0)
    return {
      name: itemName(first),
      source: { kind: 'npz', file: first, x: 'x', y: 'y' },
      split,
      files: [first],
    };
  if (/\.(zip|tar|tgz|tar\.gz)$/i.test(first) && more.length === 0)
    return { name: itemName(first), source: { kind: 'images', archive: first }, split, files: [first] };
  const held = fileNames.filter((name) => heldOut.test(name));
  const source = idxSource(fileNames.filter((name) => !heldOut.test(name)));
  const heldSource = idxSource(held);
  if (source !== null && held.length === 0) return { name: 'images', source, split, files: fileNames };
  if (source !== null && heldSource !== null)
    return { name: 'images', source, split: { source: heldSource }, files: fileNames };
  return 'These files are no data set: drop one .npz, one .zip or .tar of class folders, or IDX images with their labels, if they have any (and those held out).';
}

/** IDX images, with their labels or alone. */
function idxSource(among: readonly string[]): DatasetSource | null {
  const [image, ...others] = among.filter((name) => images.test(name));
  const [label, ...more] = among.filter((name) => labels.test(name));
  const stray = among.filter((name) => !images.test(name) && !labels.test(name));
  if (image === undefined || others.length + more.length + stray.length > 0) return null;
  if (label !== undefined) return { kind: 'idx', images: image, labels: label };
  return surelyIdx.test(image) ? { kind: 'idx', images: image } : null;
}

/** The same samples, read without labels. */
export function withoutLabels(source: DatasetSource): DatasetSource {
  switch (source.kind) {
    case 'npz':
      return { ...source, y: null };
    case 'idx':
      return { kind: 'idx', images: source.images };
    case 'images':
      return { ...source, unlabelled: true };
    default:
      return source satisfies never;
  }
}

/** For people: what files were taken for. */
export function describeDraft({ source, split }: Pick<DatasetDraft, 'source' | 'split'>): string {
  const held = 'source' in split ? ', those to train on and those held out' : '';
  switch (source.kind) {
    case 'npz':
      return `A NumPy archive with samples "${source.x}"${source.y === null ? '' : ` and class numbers "${source.y}"`}`;
    case 'idx':
      return `IDX images ${source.labels === undefined ? 'without' : 'and'} labels${held}`;
    case 'images':
      return `An archive of images, ${source.unlabelled ? 'in any folders' : 'one folder a class'}`;
    default:
      return source satisfies never;
  }
}

/** Class names as people write them: one a line, or separated by commas. */
export const readLabels = (text: string): string[] =>
  text
    .split(/[\n,]/)
    .map((label) => label.trim())
    .filter((label) => label !== '');

/** The classes of data without labels, which are those of the network: their names, or how many there are. */
export function readClasses(text: string): string[] {
  const count = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return count > 0 ? Array.from({ length: count }, (_, at) => String(at)) : readLabels(text);
}
