import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { MergeCheckpoint } from '../runner/mergeModels.ts';
import { CommandError } from './context.ts';

const begun = z.strictObject({ createdAt: z.iso.datetime(), of: z.string() });

/** Between two checkpoints that are written, where nobody says. */
const defaultPauseMs = 10_000;

/** Where a merge on this machine leaves what it has, so that it can go on. */
export interface CheckpointFolder extends MergeCheckpoint {
  /** When the merge began: part of the bundle, so it stays the same however often the merge is interrupted. */
  readonly createdAt: Date;
  /** Whether it goes on where an earlier run was. */
  readonly resumed: boolean;
  remove(): Promise<void>;
}

export interface CheckpointOptions {
  readonly resume: boolean;
  /** When a merge that begins now began. */
  readonly beganAt?: Date;
  readonly pauseMs?: number | undefined;
}

/**
 * Opens the folder of a merge's checkpoints. It is made with the first of them.
 *
 * @param of what is merged, as text: another merge does not go on from here
 * @throws {CommandError} when an earlier run left something there and `resume` does not say what is to become of it
 */
export async function openCheckpointFolder(
  folder: string,
  of: string,
  { resume, beganAt = new Date(), pauseMs = defaultPauseMs }: CheckpointOptions,
): Promise<CheckpointFolder> {
  const about = join(folder, 'merge.json');
  const file = join(folder, 'checkpoint');
  // Without a checkpoint there is nothing to go on from.
  const known =
    existsSync(about) && existsSync(file)
      ? begun.safeParse(JSON.parse(await readFile(about, 'utf8'))).data
      : undefined;
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
  const createdAt = known ? new Date(known.createdAt) : beganAt;
  let isMade = known !== undefined;
  let savedAt = -Infinity;
  return {
    createdAt,
    resumed: known !== undefined,
    async load() {
      return known && existsSync(file) ? new Uint8Array(await readFile(file)) : undefined;
    },
    async save(bytes) {
      if (performance.now() - savedAt < pauseMs) return;
      if (!isMade) {
        await mkdir(folder, { recursive: true });
        await writeWhole(
          about,
          JSON.stringify({ createdAt: createdAt.toISOString(), of } satisfies z.infer<typeof begun>),
        );
        isMade = true;
      }
      await writeWhole(file, bytes);
      savedAt = performance.now();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A process that dies meanwhile leaves what was there. */
async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${file}.partial`, content);
  await rename(`${file}.partial`, file);
}
