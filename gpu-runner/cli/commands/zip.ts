import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { sha256Hex } from '../../../shared/digest.ts';
import { name as nameSchema } from '../../../shared/manifest.ts';
import type { Provider } from '../../engine/providers.ts';
import { openCheckpointFolder } from '../checkpointFolder.ts';
import { CommandError, UsageError, type CommandContext } from '../context.ts';
import { progressLine } from '../jobLines.ts';
import { readSources, dataOption, withNets, type SourceOptions } from '../localSources.ts';
import { answer, providerOption, withJson, type JsonOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { readRecipe, withRecipe, type RecipeOptions } from '../recipeOptions.ts';
import { reportLines } from '../reportLines.ts';

interface ZipOptions extends JsonOption, RecipeOptions, SourceOptions {
  readonly out: string;
  readonly name?: string;
  readonly provider: Provider;
  readonly resume?: boolean;
}

/** The whole way on this machine: networks and data in, a bundle out. */
export function addZip(program: Command, context: CommandContext): void {
  withRecipe(dataOption(withNets(withJson(program.command('zip'))), 'requiredOption'))
    .description('merge networks on this machine into a bundle folder')
    .requiredOption('--out <folder>', 'where the bundle goes; must not exist')
    .option('--name <name>', "of the bundle (default: the folder's)")
    .addOption(providerOption())
    .option('--resume', 'go on where an interrupted run was')
    .addHelpText(
      'after',
      '\nFor example: trunkline zip --net digit=digit.onnx --data digit=digits.npz --net letter=letter.onnx --data letter=letters/ --out merged',
    )
    .action(async (options: ZipOptions) => {
      const out = resolve(options.out);
      const name = options.name ?? basename(out);
      if (!nameSchema.safeParse(name).success)
        throw new UsageError(`"${name}" is no name for a bundle: give one with --name`);
      if (existsSync(out))
        throw new CommandError(
          `Cannot zip into ${options.out}: it exists`,
          'another folder with --out: bundles never change',
        );
      const recipe = await readRecipe(options);
      const progress = new Progress(context);
      const { sources, preprocessing, notes } = await readSources(options, (what) =>
        progress.update(`Reading ${what}`),
      );
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
      ]);
      const checkpoint = await openCheckpointFolder(`${out}.checkpoint`, await sha256Hex(identity), {
        resume: options.resume === true,
      });
      if (checkpoint.resumed) progress.note('Going on where the interrupted run was');
      const { mergeModels } = await import('../../runner/mergeModels.ts');
      const { writeBundle } = await import('../../bundle/writeBundle.ts');
      try {
        const { bundle, report } = await mergeModels({
          ...{ name, createdAt: checkpoint.createdAt, preprocessing, sources, recipe, checkpoint },
          provider: options.provider,
          signal: context.signal,
          onProgress(event) {
            const line = progressLine(event);
            if (event.stage === 'share' || event.stage === 'validate') progress.note(line);
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
    });
}
