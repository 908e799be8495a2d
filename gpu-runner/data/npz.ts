import type { DatasetSource } from '../../shared/dataset.ts';
import { arraySamples, type ReadOptions } from './arraySamples.ts';
import type { MemoryBudget } from './memoryBudget.ts';
import { readNpy, type NpyTensor } from './npy.ts';
import type { Samples } from './samples.ts';
import { reasonOf, withZip, type ZipArchive } from './zipArchive.ts';

/**
 * Samples and labels from the arrays of a NumPy archive (`numpy.savez`, compressed or not).
 *
 * @param path of the file on disk
 * @throws {Error} "Cannot read x of train.npz: dtype is complex64; numbers and booleans are read"
 */
export async function readNpzSamples(
  path: string,
  source: Extract<DatasetSource, { kind: 'npz' }>,
  options: ReadOptions,
): Promise<Samples> {
  const wanted = [source.x, source.y, source.groups].map((name) => name ?? undefined);
  const named = wanted.filter((name) => name !== undefined);
  const arrays = await readNpz(path, named, options.budget, source.file);
  const [x, y, groups] = wanted.map((name) => arrays[name === undefined ? -1 : named.indexOf(name)]);
  if (!x) throw new Error(`Cannot read ${source.file}: it was not read whole`);
  const names = { x: source.x, y: source.y ?? undefined, groups: source.groups };
  try {
    return arraySamples({ x, y, groups, names, axes: source.axes }, options);
  } catch (cause) {
    throw new Error(`Cannot read ${source.file}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The named arrays of a NumPy archive, in that order.
 *
 * @param called what errors call the file
 * @throws {Error} "Cannot read <array> of <called>: ..." or "Cannot read <called>: ..."
 */
export async function readNpz(
  path: string,
  names: readonly string[],
  budget: MemoryBudget,
  called = path,
): Promise<NpyTensor[]> {
  let at = called;
  try {
    return await withZip(path, async (archive) => {
      const tensors: NpyTensor[] = [];
      for (const name of names) {
        at = `${name} of ${called}`;
        const file = `${name}.npy`;
        const { sizeBytes } = archive.files.get(file) ?? missing(archive);
        tensors.push(await readNpy(archive.chunks(file), sizeBytes, budget));
      }
      return tensors;
    });
  } catch (cause) {
    throw new Error(`Cannot read ${at}: ${reasonOf(cause)}`, { cause });
  }
}

function missing({ files }: ZipArchive): never {
  const there = Array.from(files.keys(), (file) => file.replace(/\.npy$/, ''));
  const told = there.slice(0, 10).join(', ') + (there.length > 10 ? ', ...' : '');
  throw new Error(`there is no such array; it has ${told === '' ? 'none' : told}`);
}
