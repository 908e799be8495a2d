import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeModelFile } from '../../../gpu-runner/onnx/files.ts';
import { taskNames, wholeNetwork } from '../../flows/edge-bundles.ts';
import { reference } from '../../flows/edge-requests.ts';

// Two networks over [N, 4] and data they answer right, as files that commands take.

const samples = 96;

/** An IDX file of bytes. Format: LeCun, the MNIST page. */
export function idx(dims: readonly number[], values: readonly number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * dims.length));
  header.setUint32(0, 0x0800 + dims.length);
  for (const [index, dim] of dims.entries()) header.setUint32(4 + 4 * index, dim);
  return Buffer.concat([new Uint8Array(header.buffer), Uint8Array.from(values)]);
}

/** Writes `<task>.onnx`, `<task>.images`, `<task>.labels` and `<task>.json`, which describes the data. */
export async function writeTinyMerge(folder: string): Promise<void> {
  for (const [seed, task] of taskNames.entries()) {
    writeModelFile(join(folder, `${task}.onnx`), wholeNetwork(task));
    const images = Array.from({ length: samples * 4 }, (_, i) =>
      Math.floor(4 * (1 + Math.sin(seed + i * i * 0.7))),
    );
    const logits = await reference(task, Float32Array.from(images));
    const classes = logits.length / samples;
    const labels = Array.from({ length: samples }, (_, row) => {
      const own = logits.slice(row * classes, (row + 1) * classes);
      return own.indexOf(Math.max(...own));
    });
    await writeFile(join(folder, `${task}.images`), idx([samples, 4], images));
    await writeFile(join(folder, `${task}.labels`), idx([samples], labels));
    const description = {
      from: { images: `${task}.images`, labels: `${task}.labels` },
      preprocessing: null,
      labels: Array.from({ length: classes }, (_, index) => `${task}-${index}`),
      split: { validation: 0.25 },
    };
    await writeFile(join(folder, `${task}.json`), JSON.stringify(description));
  }
}

/** Options of a merge that takes a moment. */
export const tinyRecipe = [
  '--steps-per-layer',
  '4',
  '--final-steps',
  '4',
  '--batch-size',
  '8',
  '--share',
  '0.5',
];
