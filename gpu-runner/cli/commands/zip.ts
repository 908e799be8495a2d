import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { readSources, dataOption, withNets, type SourceOptions } from '../localSources.ts';
import { mergeHere, targetHelp, withTarget, type MergeHereOptions } from '../mergeHere.ts';
import { checkTarget } from '../mergeTarget.ts';
import { withJson } from '../options.ts';
import { readRecipe, withRecipe, type RecipeOptions } from '../recipeOptions.ts';

type ZipOptions = MergeHereOptions & RecipeOptions & SourceOptions;

/** The whole way on this machine: networks and data in, a bundle out. */
export function addZip(program: Command, context: CommandContext): void {
  withRecipe(withTarget(dataOption(withNets(withJson(program.command('zip'))), 'requiredOption')))
    .description('merge networks on this machine into a bundle folder')
    .addHelpText(
      'after',
      `\n${targetHelp}\n\nFor example: trunkline zip --net digit=digit.onnx --data digit=digits.npz --net letter=letter.onnx --data letter=letters/ --out merged`,
    )
    .action(async (options: ZipOptions) => {
      const target = checkTarget(options);
      const recipe = await readRecipe(options);
      await mergeHere(context, target, options, {
        recipe,
        read: (progress) => readSources(options, recipe, (what) => progress.update(`Reading ${what}`)),
      });
    });
}
