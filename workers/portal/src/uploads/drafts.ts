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
  /** For people: what the files were taken for. */
  readonly described: string;
}

const images = /images|idx3/i;
const labels = /labels|idx1/i;
const heldOut = /t10k|test|val/i;

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
      described: 'A NumPy archive with samples "x" and class numbers "y"',
    };
  if (/\.(zip|tar|tgz|tar\.gz)$/i.test(first) && more.length === 0)
    return {
      name: itemName(first),
      source: { kind: 'images', archive: first },
      split,
      files: [first],
      described: 'An archive of images, one folder a class',
    };
  const pair = (among: readonly string[]): DatasetSource | null => {
    const [x, y] = [among.filter((name) => images.test(name)), among.filter((name) => labels.test(name))];
    const [imageFile, labelFile] = [x[0], y[0]];
    return x.length === 1 && y.length === 1 && imageFile !== undefined && labelFile !== undefined
      ? { kind: 'idx', images: imageFile, labels: labelFile }
      : null;
  };
  const train = pair(fileNames.filter((name) => !heldOut.test(name)));
  const held = pair(fileNames.filter((name) => heldOut.test(name)));
  if (train !== null && fileNames.length === 2)
    return { name: 'images', source: train, split, files: fileNames, described: 'IDX images and labels' };
  if (train !== null && held !== null && fileNames.length === 4)
    return {
      name: 'images',
      source: train,
      split: { source: held },
      files: fileNames,
      described: 'IDX images and labels, those to train on and those held out',
    };
  return 'These files are no data set: drop one .npz, one .zip or .tar of class folders, or IDX images with their labels (two files, or four with those held out).';
}

/** Class names as people write them: one a line, or separated by commas. */
export const readLabels = (text: string): string[] =>
  text
    .split(/[\n,]/)
    .map((label) => label.trim())
    .filter((label) => label !== '');
