import { createHash } from 'node:crypto';
import { Random } from '../../../../gpu-runner/engine/random.ts';
import type { Graph } from '../../../../gpu-runner/onnx/graph.ts';
import { writeModel } from '../../../../gpu-runner/onnx/write.ts';
import type { DatasetDocument } from '../../../../shared/dataset.ts';
import type { ClaimReply, ResolvedVersion } from '../../../../shared/jobs.ts';
import { pixelsTo1 } from '../../../../shared/preprocessing.ts';
import { npy, zip } from '../../data/byteFixtures.ts';
import { lenet } from '../../mtz/nets/lenet.ts';

/** Stores bytes and says where they are. */
export type Add = (bytes: Uint8Array<ArrayBuffer>) => { sha256: string; sizeBytes: number };

export const tinyLabels = ['circle', 'cross', 'dot'];
const side = 12;

/** A registered version of a document: its digest is of no concern to a runner. */
const version = (name: string, document: ResolvedVersion['document']): ResolvedVersion => ({
  name,
  version: 1,
  digest: createHash('sha256').update(JSON.stringify(document)).digest('hex'),
  document,
});

export const tinyNet = (seed: number): Graph => lenet({ seed, input: [1, side, side] });

export function modelVersion(add: Add, name: string, graph: Graph, labels = tinyLabels): ResolvedVersion {
  const file = { path: `${name}.onnx`, ...add(new Uint8Array(writeModel(graph))) };
  return version(name, { format: 'trunkline.model/1', files: [file], labels });
}

function idx(dims: readonly number[], bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, 8, dims.length]);
  dims.forEach((dim, axis) => header.writeUInt32BE(dim, 4 + 4 * axis));
  return new Uint8Array(Buffer.concat([header, bytes]));
}

/** Noise with a brighter stripe where the class is, as IDX files; a quarter is held out. */
export function dataVersion(add: Add, name: string, seed: number, size = 48): ResolvedVersion {
  const random = new Random(seed);
  const labels = Uint8Array.from({ length: size }, (_, index) => index % tinyLabels.length);
  const images = new Uint8Array(size * side * side);
  images.forEach((_, at) => {
    const stripe = Math.floor((at % side) / (side / tinyLabels.length));
    const bright = stripe === labels[Math.floor(at / (side * side))];
    images[at] = random.integer(100) + (bright ? 150 : 0);
  });
  const document: DatasetDocument = {
    format: 'trunkline.dataset/1',
    files: [
      { path: 'images.idx', ...add(idx([size, side, side], images)) },
      { path: 'labels.idx', ...add(idx([size], labels)) },
    ],
    source: { kind: 'idx', images: 'images.idx', labels: 'labels.idx' },
    preprocessing: pixelsTo1([1, side, side]),
    labels: tinyLabels,
    split: { validation: 0.25, seed: 1 },
    allowBad: 0.01,
  };
  return version(name, document);
}

/** Numbers of no meaning as an .npz, the first rows of which are not finite; a quarter of the rest is held out. */
export function spoiltVersion(add: Add, bad: number, size = 48): ResolvedVersion {
  const random = new Random(7);
  const values = Float32Array.from({ length: size * side * side }, () => random.integer(256));
  for (let row = 0; row < bad; row += 1) values[row * side * side] = NaN;
  const labels = Uint8Array.from({ length: size }, (_, index) => index % tinyLabels.length);
  const bytes = zip([
    { name: 'x.npy', bytes: npy("'<f4'", [size, side, side], new Uint8Array(values.buffer)) },
    { name: 'y.npy', bytes: npy("'|u1'", [size], labels) },
  ]);
  return version('spoilt', {
    format: 'trunkline.dataset/1',
    files: [{ path: 'data.npz', ...add(bytes) }],
    source: { kind: 'npz', file: 'data.npz', x: 'x', y: 'y' },
    preprocessing: pixelsTo1([1, side, side]),
    labels: tinyLabels,
    split: { validation: 0.25, seed: 1 },
    allowBad: 0.2,
  });
}

/** Two networks of one shape, each with data of its own. */
export const tinyMerge = (add: Add): Extract<ClaimReply['inputs'], { kind: 'merge' }> => ({
  kind: 'merge',
  sources: ['left', 'right'].map((task, index) => ({
    task,
    model: modelVersion(add, `${task}-net`, tinyNet(index + 1)),
    data: dataVersion(add, `${task}-data`, index + 10),
  })),
});

export const tinyRecipe = {
  wiring: 'one-way' as const,
  share: { share: 1 },
  gramSamples: 32,
  retraining: { stepsPerLayer: 3, finalSteps: 3, batchSize: 8, learningRate: 0.003, distillation: 1 },
};
