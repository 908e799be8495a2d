/**
 * Makes the subset of Fashion-MNIST that ships with the examples: the first so many images of each class, in order.
 *
 *   node examples/data/subset.ts [FOLDER]
 *
 * FOLDER holds the four original files, {train,test}-{images-idx3,labels-idx1}-ubyte.gz; ../shared/data/fashion-mnist
 * beside the checkout when left out.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readIdxFile } from '../../gpu-runner/data/idx.ts';

const classes = 10;
/** About 5.6 MB together, under the 6 MB the repository allows itself. */
const perClass = { train: 1100, test: 200 };

/** Which samples are kept: the first `count` of each class. @throws {Error} when a class has fewer. */
function firstOfEachClass(labels: ArrayLike<number>, count: number): number[] {
  const kept = new Array<number>(classes).fill(0);
  const indices: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? 0;
    const have = kept[label] ?? count;
    if (have >= count) continue;
    kept[label] = have + 1;
    indices.push(i);
  }
  if (indices.length < classes * count)
    throw new Error(`Cannot take ${count} of each of ${classes} classes: kept ${kept.join()}`);
  return indices;
}

/** An IDX file of bytes, gzipped as small as gzip goes. */
function idxGzip(dims: readonly number[], data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, 0x08, dims.length]);
  for (const [axis, dim] of dims.entries()) header.writeUInt32BE(dim, 4 + 4 * axis);
  return gzipSync(Buffer.concat([header, data]), { level: 9, memLevel: 9 });
}

const folder = process.argv[2] ?? join(import.meta.dirname, '../../../shared/data/fashion-mnist');
if (!existsSync(folder)) {
  console.log(`Skipped: ${folder} does not exist. Give the folder of the original Fashion-MNIST files.`);
} else {
  for (const split of ['train', 'test'] as const) {
    const imagesName = `${split}-images-idx3-ubyte.gz`;
    const labelsName = `${split}-labels-idx1-ubyte.gz`;
    const images = await readIdxFile(join(folder, imagesName));
    const labels = await readIdxFile(join(folder, labelsName));
    if (images.dtype !== 'uint8' || labels.dtype !== 'uint8')
      throw new Error(`Cannot use ${folder}: not uint8`);
    const indices = firstOfEachClass(labels.data, perClass[split]);
    const [, ...sample] = images.dims;
    const size = sample.reduce((product, dim) => product * dim, 1);
    const pixels = Buffer.concat(
      indices.map((index) => images.data.subarray(index * size, (index + 1) * size)),
    );
    const target = join(import.meta.dirname, 'fashion-mnist');
    await writeFile(join(target, imagesName), idxGzip([indices.length, ...sample], pixels));
    await writeFile(
      join(target, labelsName),
      idxGzip(
        [indices.length],
        Uint8Array.from(indices, (index) => labels.data[index] ?? 0),
      ),
    );
    console.log(`${split}: ${indices.length} images`);
  }
}
