import type { Command } from 'commander';
import { sha256Hex } from '../../shared/digest.ts';
import { describePreprocessing } from '../../shared/preprocessing.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { Report } from '../../shared/report.ts';
import { CheckpointError } from '../engine/checkpointError.ts';
import type { Provider } from '../engine/providers.ts';
import { zipRecipe } from '../mtz/zipRecipe.ts';
import { percent } from '../runner/figures.ts';
import type { MergedBefore } from '../runner/mergedBefore.ts';
import { StorageError } from '../runner/storageError.ts';
import { openCheckpointFolder } from './checkpointFolder.ts';
import { CommandError, type CommandContext } from './context.ts';
import { perTask, progressLine } from './jobLines.ts';
import type { LocalSources } from './localSources.ts';
import { checkpointsOf, writtenBefore, type Target, type TargetOptions } from './mergeTarget.ts';
import { answer, gramMemoryOption, providerOption, wholeNumber, type JsonOption } from './options.ts';
import { planSummary } from './planLines.ts';
import { Progress } from './progress.ts';
import { reportLines } from './reportLines.ts';
import { sourceDate } from './sourceDate.ts';

export interface MergeHereOptions extends JsonOption, TargetOptions {
  readonly provider: Provider;
  /** Bytes. */
  readonly gramMemory?: number;
  readonly checkpointSeconds?: number;
}

/** For commands that merge on this machine. */
export const withTarget = (command: Command): Command =>
  command
    .requiredOption('--out <folder>', 'where the bundle goes; must not exist')
    .option('--name <name>', "of the bundle (default: the folder's)")
    .addOption(providerOption())
    .addOption(gramMemoryOption())
    .option('--resume', 'go on where an interrupted run was')
    .option(
      '--checkpoint-seconds <n>',
      'between two checkpoints that an interrupted run leaves (default: 10)',
      wholeNumber(0, 86_400),
    );

/** Help on {@link withTarget}. */
export const targetHelp =
  'With SOURCE_DATE_EPOCH set (seconds since 1970), the same merge is the same bundle, to the last byte.';

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
    zipRecipe(recipe),
    sources.map(({ task, model, train, validation }) => [
      task,
      model.sha256,
      train.size,
      validation?.size ?? 0,
    ]),
    ...(before ? [before.id] : []),
    ...(options.gramMemory === undefined ? [] : [{ gramMemory: options.gramMemory }]),
  ]);
  const kept = checkpointsOf(out);
  const checkpoint = await openCheckpointFolder(kept, await sha256Hex(identity), {
    resume: options.resume === true,
    beganAt: sourceDate(context.env),
    pauseMs: options.checkpointSeconds === undefined ? undefined : 1000 * options.checkpointSeconds,
    warn: (text) => progress.note(text),
  });
  const tell = (bundle: string, report: Report): void => {
    answer(context, options, { folder: out, bundle, report }, () => [
      ...reportLines(report),
      '',
      `Bundle ${bundle.slice(0, 12)} in ${options.out}; open report.html in it to see what became of the networks`,
      `Next: trunkline serve ${options.out}, or trunkline publish ${options.out} --endpoint <name>`,
    ]);
  };
  const written = await writtenBefore(out, checkpoint.bundle, recipe.storage);
  if (written) {
    progress.note('The interrupted run had written the bundle');
    await checkpoint.remove();
    tell(written.bundle, written.report);
    return;
  }
  if (checkpoint.resumed) progress.note('Going on where the interrupted run was');
  const { mergeModels } = await import('../runner/mergeModels.ts');
  const { describePlan } = await import('./planMerge.ts');
  const { writeBundle } = await import('../bundle/writeBundle.ts');
  try {
    const { bundle, report } = await mergeModels({
      ...{ name, createdAt: checkpoint.createdAt, preprocessing, sources, recipe, notes, checkpoint, before },
      ...{ provider: options.provider, gramBytes: options.gramMemory },
      signal: context.signal,
      onPlan(plan, network) {
        for (const line of planSummary(describePlan(network, plan, recipe, []))) progress.note(line);
      },
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
    await checkpoint.writing(bundle.id);
    await writeBundle(out, bundle, checkpoint.partial);
    await checkpoint.remove();
    tell(bundle.id, report);
  } catch (cause) {
    progress.clear();
    if (cause instanceof CheckpointError)
      throw new CommandError(`${cause.message} (${kept})`, `delete ${kept} to begin anew`, { cause });
    if (cause instanceof StorageError && checkpoint.isThere())
      throw new CommandError(
        `${cause.message}; the merged network is kept in ${kept}`,
        'the same command with --resume and another --storage or a greater --max-storage-drop',
        { cause },
      );
    if (checkpoint.isThere()) context.complain('To go on: the same command with --resume');
    else await checkpoint.remove().catch(() => undefined);
    throw cause;
  }
}
