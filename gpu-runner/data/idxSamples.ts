import { readFile, stat } from 'node:fs/promises';
import type { DatasetSource } from '../../shared/dataset.ts';
import { arraySamples, type ReadOptions } from './arraySamples.ts';
import { readIdx, type IdxTensor } from './idx.ts';
import type { Samples } from './samples.ts';
import { reasonOf } from './zipArchive.ts';

/**
 * Samples and labels from IDX files.
 *
 * @param pathOf where a file of the document lies on disk
 * @throws {Error} "Cannot read IDX <file>: ..."
 */
export async function readIdxSamples(
  pathOf: (file: string) => Promise<string>,
  source: Extract<DatasetSource, { kind: 'idx' }>,
  options: ReadOptions,
): Promise<Samples> {
  const { budget } = options;
  const read = async (file: string): Promise<IdxTensor> => {
    const path = await pathOf(file);
    const { size } = await stat(path);
    try {
      budget.take(size, 'the file');
    } catch (cause) {
      throw new Error(`Cannot read IDX ${file}: ${reasonOf(cause)}`, { cause });
    }
    const tensor = await readIdx(await readFile(path), file, budget);
    budget.release(size);
    return tensor;
  };
  const x = await read(source.images);
  const y = source.labels === undefined ? undefined : await read(source.labels);
  const groups = source.groups === undefined ? undefined : await read(source.groups);
  const names = { x: source.images, y: source.labels, groups: source.groups };
  try {
    return arraySamples({ x, y, groups, names }, options);
  } catch (cause) {
    throw new Error(`Cannot read ${source.images}: ${reasonOf(cause)}`, { cause });
  }
}
