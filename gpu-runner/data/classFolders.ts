import { noLabel } from '../engine/dataset.ts';

/** A file of a data set of images and the class its folder says. */
export interface ClassFile {
  readonly path: string;
  /** Place in the labels, or -1 (`noLabel`). */
  readonly label: number;
}

export interface ClassFiles {
  /** Class by class in the order of the labels, by path within one: the same everywhere, whatever the archive's order. */
  readonly files: readonly ClassFile[];
  /** In the folder of no class. */
  readonly outside: readonly string[];
}

/**
 * Sorts files to classes: the longest part of a file's folders that is a label is its class (`Latin/a` before `Latin`).
 * A folder around all of them, as archives often have, is looked through.
 *
 * @throws {Error} with the reason, when folders have names that no label has
 */
export function classFiles(paths: Iterable<string>, labels: readonly string[]): ClassFiles {
  const places = new Map(labels.map((label, place) => [label, place]));
  const all = Array.from(paths, (path) => ({ path, folders: foldersOf(path) }));
  const around = outerFolders(all, places);
  const files: ClassFile[] = [];
  const outside: string[] = [];
  const strange = new Set<string>();
  for (const { path, folders } of all) {
    const inner = folders.slice(around);
    let label: number | undefined;
    for (let depth = inner.length; depth > 0 && label === undefined; depth--)
      label = places.get(inner.slice(0, depth).join('/'));
    if (label !== undefined) files.push({ path, label });
    else if (inner.length === 0) outside.push(path);
    else strange.add(inner.join('/'));
  }
  if (strange.size > 0) {
    const told = [...strange]
      .sort(byCodeUnit)
      .slice(0, 5)
      .map((name) => `"${name}"`);
    throw new Error(
      `${strange.size} of its folders are named as no label is: ${told.join(', ')}${strange.size > 5 ? ', ...' : ''}`,
    );
  }
  files.sort((a, b) => a.label - b.label || byCodeUnit(a.path, b.path));
  return { files, outside: outside.sort(byCodeUnit) };
}

/** Images as samples without labels, by path, in whatever folders; files whose names are no images' are outside. */
export function unlabelledFiles(paths: Iterable<string>): ClassFiles {
  const all = Array.from(paths).sort(byCodeUnit);
  return {
    files: all.filter(isImageName).map((path) => ({ path, label: noLabel })),
    outside: all.filter((path) => !isImageName(path)),
  };
}

export const isImageName = (path: string): boolean => /\.(jpe?g|png)$/i.test(path);

/** The labels that folders say where nobody declared any: the names of the folders that hold images, sorted. */
export function folderLabels(paths: Iterable<string>): string[] {
  const images = Array.from(paths).filter(isImageName);
  const all = images.map((path) => ({ folders: foldersOf(path) }));
  const depths = all.map(({ folders }) => folders.length).filter((depth) => depth > 0);
  // The last folder of any image is a class, not something around it.
  const around = Math.min(outerFolders(all, new Map()), Math.min(...depths) - 1);
  const names = all.map(({ folders }) => folders.slice(around).join('/')).filter((name) => name !== '');
  return [...new Set(names)].sort(byCodeUnit);
}

/** How many folders lie around all others and are no class themselves. */
function outerFolders(
  all: readonly { readonly folders: readonly string[] }[],
  labels: ReadonlyMap<string, number>,
): number {
  let around = 0;
  for (;;) {
    const inner = all.map(({ folders }) => folders.slice(around)).filter((folders) => folders.length > 0);
    const [first] = inner;
    const isClass = first?.some((_, depth) => labels.has(first.slice(0, depth + 1).join('/')));
    const isAroundAll = inner.every((folders) => folders[0] === first?.[0]);
    if (!first || isClass || !isAroundAll || inner.every((folders) => folders.length === 1)) return around;
    around += 1;
  }
}

const foldersOf = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .filter((part) => part !== '' && part !== '.');

/** Not by locale: the order must be the same everywhere. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
