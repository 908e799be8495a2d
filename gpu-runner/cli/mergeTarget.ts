import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { name as nameSchema } from '../../shared/manifest.ts';
import type { Storage } from '../../shared/recipe.ts';
import type { Report } from '../../shared/report.ts';
import { CommandError, UsageError } from './context.ts';
import { messageOf } from './explain.ts';

export interface TargetOptions {
  readonly out: string;
  readonly name?: string;
  readonly resume?: boolean;
}

/** Where a bundle goes and what it is called. */
export interface Target {
  /** Absolute. */
  readonly folder: string;
  readonly name: string;
}

/** Where the merge into a folder leaves its checkpoints: on the same disk. */
export const checkpointsOf = (folder: string): string => `${folder}.checkpoint`;

const itExists = (folder: string): CommandError =>
  new CommandError(`Cannot zip into ${folder}: it exists`, 'another folder with --out: bundles never change');

/**
 * @throws {UsageError} when the bundle would have no name, {CommandError} when its folder cannot be made, or exists and no
 * interrupted run can have made it
 */
export function checkTarget({ out, name: named, resume }: TargetOptions): Target {
  const folder = resolve(out);
  const name = named ?? basename(folder);
  if (!nameSchema.safeParse(name).success)
    throw new UsageError(`"${name}" is no name for a bundle: give one with --name`);
  if (existsSync(folder) && !(resume && existsSync(checkpointsOf(folder)))) throw itExists(out);
  checkWritable(folder);
  return { folder, name };
}

/** Hours of work would be lost otherwise. @throws {CommandError} when no folder can be made there */
function checkWritable(folder: string): void {
  let parent = dirname(folder);
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent);
  try {
    rmdirSync(mkdtempSync(join(parent, '.trunkline-')));
  } catch (cause) {
    throw new CommandError(
      `Cannot zip into ${folder}: no folder can be made in ${parent}: ${messageOf(cause)}`,
      'another folder with --out',
      { cause },
    );
  }
}

/**
 * The bundle that an earlier run of a merge wrote whole before it was killed.
 *
 * @param id of the bundle that run was writing; none where none was
 * @param storage that is asked for now: what is zipped does not depend on it, the bundle does
 * @returns undefined where there is no folder yet
 * @throws {CommandError} when the folder is something else
 */
export async function writtenBefore(
  folder: string,
  id: string | undefined,
  storage: Storage,
): Promise<{ readonly bundle: string; readonly report: Report } | undefined> {
  if (!existsSync(folder)) return undefined;
  if (id === undefined) throw itExists(folder);
  const { readBundle } = await import('../bundle/readBundle.ts');
  const { checkReport } = await import('../bundle/report/reportFiles.ts');
  const bundle = await readBundle(folder).catch(() => undefined);
  const report = bundle?.files.get(bundle.manifest.report?.json ?? '');
  if (bundle?.id !== id || !report) throw itExists(folder);
  const { storage: written = 'float32' } = bundle.manifest;
  if (written !== storage)
    throw new CommandError(
      `Cannot zip into ${folder}: the interrupted run wrote the bundle as ${written}, not as ${storage}`,
      `move ${folder} away to store the same merge as ${storage}, or ask for ${written}`,
    );
  return { bundle: id, report: checkReport(JSON.parse(new TextDecoder().decode(report))) };
}
