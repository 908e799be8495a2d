import type { DatasetDocument } from '../../shared/dataset.ts';
import type { DatasetInspection } from '../../shared/inspection.ts';
import { isLabelled, noLabel } from '../engine/dataset.ts';
import { elementCount } from '../../shared/tensor.ts';
import { readDocument, splitSamples, type OpenOptions, type ResolveFile } from './openDataset.ts';
import type { Samples } from './samples.ts';

export interface DescribeOptions extends OpenOptions {
  /** Images of each class in the preview; 4. */
  readonly perClass?: number;
}

/** A picture of one sample, for people. */
export interface PreviewImage {
  /** Place in the labels. */
  readonly label: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Bytes [H, W, C]; numbers that are no bytes are stretched from the sample's smallest to its largest. */
  readonly pixels: Uint8Array;
}

export interface DatasetDescription {
  readonly inspection: DatasetInspection;
  /** Held out by the document's split. */
  readonly validationSamples: number;
  /** The first images of each class, class by class; empty when samples are not [1 or 3, H, W]. */
  readonly preview: readonly PreviewImage[];
}

/** Classes shown at most: a preview is looked at by people. */
const maxPreviewClasses = 100;
const maxTold = 1000;

/**
 * Reads a whole data set and says what is in it.
 *
 * @throws {Error} as `openDataset` does: what it refuses cannot be described
 */
export async function describeDataset(
  document: DatasetDocument,
  resolveFile: ResolveFile,
  options: DescribeOptions = {},
): Promise<DatasetDescription> {
  const { main, held } = await readDocument(document, resolveFile, options);
  const classes = document.labels.length;
  const all = held ? [main, held] : [main];
  const labelCounts = document.labels.map(() => 0);
  for (const { labels } of all)
    for (const label of labels) if (label !== noLabel) labelCounts[label] = (labelCounts[label] ?? 0) + 1;
  const bad = all.flatMap(({ problems }) => problems);
  const empty = document.labels.filter((_, label) => labelCounts[label] === 0);
  const problems: string[] = [];
  if (!all.every(isLabelled))
    problems.push('Its samples have no labels: they serve retraining by distillation only');
  else if (empty.length > 0)
    problems.push(
      `${empty.length} of ${classes} classes have no samples: ${empty.slice(0, 10).join(', ')}${empty.length > 10 ? ', ...' : ''}`,
    );
  if (bad.length > maxTold) problems.push(`${bad.length} files are bad, the first ${maxTold} are named`);
  return {
    inspection: {
      format: 'trunkline.inspection/1',
      kind: 'dataset',
      samples: all.reduce((sum, { labels }) => sum + labels.length, 0),
      sampleDims: [...main.dims],
      classes,
      labelCounts,
      badFiles: bad.slice(0, maxTold).map(({ path, reason }) => ({ path, reason })),
      problems,
    },
    validationSamples: held ? held.labels.length : splitSamples(document, main).validation.length,
    preview: preview(main, classes, options.perClass ?? 4),
  };
}

function preview(samples: Samples, classes: number, perClass: number): PreviewImage[] {
  const { dims, labels, values } = samples;
  const [channels, height, width] = dims;
  if (dims.length !== 3 || height === undefined || width === undefined) return [];
  if (channels !== 1 && channels !== 3) return [];
  const shown = Math.min(classes, maxPreviewClasses);
  const images = Array.from({ length: shown }, (): PreviewImage[] => []);
  const length = elementCount(dims);
  labels.forEach((label, sample) => {
    const row = images[label];
    if (!row || row.length >= perClass) return;
    const planes = toBytes(values.subarray(sample * length, (sample + 1) * length));
    row.push({ label, width, height, channels, pixels: interleave(planes, channels) });
  });
  return images.flat();
}

function toBytes(values: Uint8Array | Float32Array): Uint8Array {
  if (values instanceof Uint8Array) return values;
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const stretch = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from(values, (value) => Math.round((value - low) * stretch));
}

function interleave(planes: Uint8Array, channels: number): Uint8Array {
  const area = planes.length / channels;
  return Uint8Array.from(planes, (_, at) => planes[(at % channels) * area + Math.floor(at / channels)] ?? 0);
}
