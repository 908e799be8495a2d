import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { explainIssues } from '../../shared/explain-issues.ts';
import { readPieces } from '../data/readPieces.ts';
import { writeFileAtomically } from '../data/writeFileAtomically.ts';
import type { MergeCheckpoint } from '../runner/mergeOptions.ts';
import { CommandError } from './context.ts';
import { messageOf } from './explain.ts';

/** What is merged, since when, and the id of the bundle that came of it once that is being written. */
const begun = z.strictObject({ createdAt: z.iso.datetime(), of: z.string(), bundle: z.string().optional() });
type Begun = z.infer<typeof begun>;

/** Between two checkpoints that are written, where nobody says. */
const defaultPauseMs = 10_000;

/** Where a merge on this machine leaves what it has, so that it can go on. */
export interface CheckpointFolder extends MergeCheckpoint {
  /** When the merge began: part of the bundle, so it stays the same however often the merge is interrupted. */
  readonly createdAt: Date;
  /** Whether it goes on where an earlier run was. */
  readonly resumed: boolean;
  /** The id of the bundle that an earlier run was writing when it ended, and may have written. */
  readonly bundle: string | undefined;
  /** Where the bundle is put together: what is left there is surely of this merge, and goes with the folder. */
  readonly partial: string;
  /** Whether there is something to go on from. */
  isThere(): boolean;
  /** To be called before the bundle is written: a run that finds it whole knows that it is this merge's. */
  writing(bundle: string): Promise<void>;
  /** Removes what a merge leaves there, and the folder unless there is more in it. */
  remove(): Promise<void>;
}

export interface CheckpointOptions {
  readonly resume: boolean;
  /** When a merge that begins now began. */
  readonly beganAt?: Date;
  readonly pauseMs?: number | undefined;
  /** Told when checkpoints begin to fail. */
  readonly warn?: (text: string) => void;
}

/**
 * Opens the folder of a merge's checkpoints. It is made with the first of them. One that cannot be written is a pity and no
 * reason to stop: the one before stays.
 *
 * @param of what is merged, as text: another merge does not go on from here
 * @throws {CommandError} when an earlier run left something there and `resume` does not say what is to become of it, or what
 * it left cannot be read
 */
export async function openCheckpointFolder(
  folder: string,
  of: string,
  { resume, beganAt = new Date(), pauseMs = defaultPauseMs, warn }: CheckpointOptions,
): Promise<CheckpointFolder> {
  const about = join(folder, 'merge.json');
  const file = join(folder, 'checkpoint');
  const partial = join(folder, 'bundle.partial');
  const left = await readBegun(folder, about);
  // Without a checkpoint or a bundle there is nothing to go on from.
  const known = existsSync(file) || left?.bundle !== undefined ? left : undefined;
  if (known && !resume)
    throw new CommandError(
      `Cannot begin: an interrupted run left its checkpoints in ${folder}`,
      `the same command with --resume, or delete ${folder} to begin anew`,
    );
  if (known && known.of !== of)
    throw new CommandError(
      `Cannot go on: the checkpoints in ${folder} are of a merge with other networks, data or recipe`,
      `delete ${folder} to begin anew`,
    );
  if (existsSync(partial)) await rm(partial, { recursive: true, force: true });
  const createdAt = known ? new Date(known.createdAt) : beganAt;
  let isMade = known !== undefined;
  let savedAt = -Infinity;
  let isFailing = false;
  const writeBegun = async (more: Pick<Begun, 'bundle'> = {}): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const text = JSON.stringify({ createdAt: createdAt.toISOString(), of, ...more } satisfies Begun);
    await writeFileAtomically(about, new TextEncoder().encode(text));
    isMade = true;
  };
  const orWarn = async (write: () => Promise<void>): Promise<void> => {
    try {
      await write();
      isFailing = false;
    } catch (error) {
      if (!isFailing) warn?.(`Goes on without new checkpoints: ${messageOf(error)}`);
      isFailing = true;
    }
  };
  return {
    ...{ createdAt, partial },
    resumed: known !== undefined && existsSync(file),
    bundle: known?.bundle,
    isThere: () => existsSync(about) && existsSync(file),
    async load() {
      return known && existsSync(file) ? readPieces(file) : undefined;
    },
    async save(pieces) {
      if (performance.now() - savedAt < pauseMs) return;
      await orWarn(async () => {
        if (!isMade) await writeBegun();
        await writeFileAtomically(file, pieces);
      });
      savedAt = performance.now();
    },
    writing: (bundle) => orWarn(() => writeBegun({ bundle })),
    async remove() {
      await rm(partial, { recursive: true, force: true });
      // Last what a bundle is known by.
      for (const one of [file, about]) {
        await rm(`${one}.partial`, { force: true });
        await rm(one, { force: true });
      }
      await rmdir(folder).catch(() => undefined);
    },
  };
}

/** @throws {CommandError} when it is there and damaged */
async function readBegun(folder: string, about: string): Promise<Begun | undefined> {
  if (!existsSync(about)) return undefined;
  try {
    return begun.parse(JSON.parse(await readFile(about, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? explainIssues(cause) : messageOf(cause);
    throw new CommandError(
      `Cannot go on: ${about} is damaged, or of another version: ${why}`,
      `delete ${folder} to begin anew`,
      { cause },
    );
  }
}
