import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { sha256Hex } from '../../shared/digest.ts';
import { name as nameSchema } from '../../shared/manifest.ts';
import { describePreprocessing } from '../../shared/preprocessing.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Provider } from '../engine/providers.ts';
import { percent } from '../runner/figures.ts';
import type { MergedBefore } from '../runner/mergedBefore.ts';
import { openCheckpointFolder } from './checkpointFolder.ts';
import { CommandError, UsageError, type CommandContext } from './context.ts';
import { perTask, progressLine } from './jobLines.ts';
import type { LocalSources } from './localSources.ts';
import { answer, providerOption, wholeNumber, type JsonOption } from './options.ts';
import { Progress } from './progress.ts';
import { reportLines } from './reportLines.ts';
import { sourceDate } from './sourceDate.ts';

export interface MergeHereOptions extends JsonOption {
  readonly out: string;
  readonly name?: string;
  readonly provider: Provider;
  readonly resume?: boolean;
  readonly checkpointSeconds?: number;
}

/** For commands that merge on this machine. */
export const withTarget = (command: Command): Command =>
  command
    .requiredOption('--out <folder>', 'where the bundle goes; must not exist')
    .option('--name <name>', "of the bundle (default: the folder's)")
    .addOption(providerOption())
    .option('--resume', 'go on where an interrupted run was')
    .option(
      '--checkpoint-seconds <n>',
      'between two checkpoints that an interrupted run leaves (default: 10)',
      wholeNumber(0, 86_400),
    );

/** Help on {@link withTarget}. */
export const targetHelp =
  'With SOURCE_DATE_EPOCH set (seconds since 1970), the same merge is the same bundle, to the last byte.';

/** Where a bundle goes and what it is called. */
export interface Target {
  /** Absolute. */
  readonly folder: string;
  readonly name: string;
}

/** @throws {UsageError} when the bundle would have no name, {CommandError} when its folder exists */
export function checkTarget(options: Pick<MergeHereOptions, 'out' | 'name'>): Target {
  const folder = resolve(options.out);
  const name = options.name ?? basename(folder);
  if (!nameSchema.safeParse(name).success)
    throw new UsageError(`"${name}" is no name for a bundle: give one with --name`);
  if (existsSync(folder))
    throw new CommandError(
      `Cannot zip into ${options.out}: it exists`,
      'another folder with --out: bundles never change',
    );
  return { folder, name };
}

/** Merges on this machine, from the checkpoint of an interrupted run if there is one, and writes the bundle's folder. */
export async function mergeHere(
  context: CommandContext,
  { folder: out, name }: Target,
  options: MergeHereOptions,
  {
    read,
    recipe,
    before,
  }: {
    readonly read: (progress: Progress) => Promise<LocalSources>;
    readonly recipe: Recipe;
    readonly before?: MergedBefore;
  },
): Promise<void> {
  const progress = new Progress(context);
  const { sources, preprocessing, notes } = await read(progress);
  if (typeof preprocessing !== 'string') progress.note(`Inputs: ${describePreprocessing(preprocessing)}`);
  for (const note of notes) progress.note(note);
  const identity = JSON.stringify([
    name,
    recipe,
    sources.map(({ task, model, train, validation }) => [
      task,
      model.sha256,
      train.size,
      validation?.size ?? 0,
    ]),
    ...(before ? [before.id] : []),
  ]);
  const checkpoint = await openCheckpointFolder(`${out}.checkpoint`, await sha256Hex(identity), {
    resume: options.resume === true,
    beganAt: sourceDate(context.env),
    pauseMs: options.checkpointSeconds === undefined ? undefined : 1000 * options.checkpointSeconds,
  });
  if (checkpoint.resumed) progress.note('Going on where the interrupted run was');
  const { mergeModels } = await import('../runner/mergeModels.ts');
  const { writeBundle } = await import('../bundle/writeBundle.ts');
  try {
    const { bundle, report } = await mergeModels({
      ...{ name, createdAt: checkpoint.createdAt, preprocessing, sources, recipe, notes, checkpoint, before },
      provider: options.provider,
      signal: context.signal,
      onProgress(event) {
        const line = progressLine(event);
        if (event.stage === 'evaluate' && event.accuracy)
          progress.note(`The separate networks answer right: ${perTask(event.accuracy, percent)}`);
        else if (event.stage === 'share' || event.stage === 'validate' || event.stage === 'floor')
          progress.note(line);
        else progress.update(line);
      },
    });
    progress.clear();
    await writeBundle(out, bundle);
    await checkpoint.remove();
    answer(context, options, { folder: out, bundle: bundle.id, report }, () => [
      ...reportLines(report),
      '',
      `Bundle ${bundle.id.slice(0, 12)} in ${options.out}; open report.html in it to see what became of the networks`,
      `Next: trunkline serve ${options.out}, or trunkline publish ${options.out} --endpoint <name>`,
    ]);
  } catch (error) {
    progress.clear();
    if (context.signal?.aborted) context.complain(`To go on: the same command with --resume`);
    throw error;
  }
}
