import type { DatasetSource } from '../../shared/dataset.ts';
import { fitImage } from '../../shared/preprocess.ts';
import { elementCount } from '../../shared/tensor.ts';
import type { ReadOptions } from './arraySamples.ts';
import { classFiles, unlabelledFiles, type ClassFile } from './classFolders.ts';
import { decodeImage } from './decodeImage.ts';
import { withImageFiles, type ImageFiles } from './imageFiles.ts';
import { refuseTooManyBad, type Problem, type Samples } from './samples.ts';
import { reasonOf } from './zipArchive.ts';

export interface ImageReadOptions extends ReadOptions {
  /** Names of the classes, which the folders have. */
  readonly labels: readonly string[];
}

/** Images decoded at a time: what they take comes on top of the budget, four bytes a pixel each. */
const atATime = 4;

/**
 * Images of a folder or archive, each decoded once and kept as bytes in the network's layout. Files that cannot be read
 * are named and left out; so are files outside the classes' folders.
 *
 * @param path of the folder or archive on disk
 * @throws {Error} "Cannot read pets.zip: ..."
 */
export async function readImageSamples(
  path: string,
  source: Extract<DatasetSource, { kind: 'images' }>,
  options: ImageReadOptions,
): Promise<Samples> {
  try {
    return await withImageFiles(path, (files) => readAll(files, source, options));
  } catch (cause) {
    throw new Error(`Cannot read ${source.archive}: ${reasonOf(cause)}`, { cause });
  }
}

async function readAll(
  source: ImageFiles,
  { groups, unlabelled }: Extract<DatasetSource, { kind: 'images' }>,
  { preprocessing, labels, allowBad, budget }: ImageReadOptions,
): Promise<Samples> {
  if (!preprocessing) throw new Error('images need preprocessing: say what the network reads');
  const paths = source.files.keys();
  const { files, outside } = unlabelled ? unlabelledFiles(paths) : classFiles(paths, labels);
  if (files.length === 0)
    throw new Error(unlabelled ? 'it has no JPEG or PNG images' : 'it has no files in folders of classes');
  const { layout } = preprocessing;
  const length = elementCount(layout);
  budget.take(files.length * length, `${files.length} images as bytes [${layout.join()}]`);
  const values = new Uint8Array(files.length * length);
  const places = new Map(files.map((file, place) => [file.path, place]));
  const reasons = new Map<number, string>();

  const decode = async (place: number, bytes: () => Promise<Uint8Array>): Promise<void> => {
    try {
      values.set(fitImage(await decodeImage(await bytes()), preprocessing), place * length);
    } catch (cause) {
      reasons.set(place, reasonOf(cause));
    }
  };
  const running = new Set<Promise<void>>();
  for await (const { path, bytes } of source.read()) {
    const place = places.get(path);
    if (place === undefined) continue;
    const work = decode(place, bytes).finally(() => running.delete(work));
    running.add(work);
    if (running.size >= atATime) await Promise.race(running);
  }
  await Promise.all(running);

  const bad: Problem[] = [];
  const good: ClassFile[] = [];
  files.forEach((file, place) => {
    const reason = reasons.get(place);
    if (reason !== undefined) {
      bad.push({ path: file.path, reason });
      return;
    }
    if (good.length < place) values.copyWithin(good.length * length, place * length, (place + 1) * length);
    good.push(file);
  });
  bad.push(...source.unreadable);
  refuseTooManyBad(bad, files.length + source.unreadable.length, allowBad);
  return {
    dims: layout,
    values: values.subarray(0, good.length * length),
    labels: Int32Array.from(good, ({ label }) => label),
    groups: groups && groupsOf(good, groups.before),
    problems: [
      ...bad,
      ...outside.map((path) => ({
        path,
        reason: unlabelled ? "its name is no image's" : 'it is in the folder of no class',
      })),
    ],
  };
}

/** Numbers files that share their class and the start of their name. */
function groupsOf(files: readonly ClassFile[], before: string): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(files, ({ path, label }) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const end = name.indexOf(before);
    const key = `${label}/${end < 0 ? name : name.slice(0, end)}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}
