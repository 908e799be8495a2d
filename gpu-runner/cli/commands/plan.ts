import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { dataOption, readNets, readSources, withNets, type SourceOptions } from '../localSources.ts';
import { answer, gramMemoryOption, providerOption, withJson, type JsonOption } from '../options.ts';
import { Progress } from '../progress.ts';
import { readRecipe, withRecipe, type RecipeOptions } from '../recipeOptions.ts';
import type { Provider } from '../../engine/providers.ts';

interface PlanOptions extends JsonOption, RecipeOptions, SourceOptions {
  readonly explain?: boolean;
  readonly provider: Provider;
  /** Bytes. */
  readonly gramMemory?: number;
}

/** What a recipe would share, before anything is merged. */
export function addPlan(program: Command, context: CommandContext): void {
  withRecipe(dataOption(withNets(withJson(program.command('plan'))), 'option'))
    .description(
      'say how many channels a recipe would share, and what that saves; with data, what it is predicted to cost',
    )
    .option(
      '--explain',
      'with the widths of every network, what each group stores and would save of loss, loss against size, and what stays apart and why',
    )
    .addOption(providerOption())
    .addOption(gramMemoryOption())
    .action(async (options: PlanOptions) => {
      const recipe = await readRecipe(options);
      const { planShapes, planWithData } = await import('../planMerge.ts');
      const { planLines } = await import('../planLines.ts');
      const progress = new Progress(context);
      const withData = async () => {
        const { sources, notes } = await readSources(options, recipe, (what) =>
          progress.update(`Reading ${what}`),
        );
        for (const note of notes) progress.note(note);
        progress.update('Measuring what sharing costs');
        const measured = await planWithData(
          sources.map(({ validation, ...source }) => ({ ...source, ...(validation && { validation }) })),
          recipe,
          {
            ...{ provider: options.provider, gramBytes: options.gramMemory },
            ...{ curve: options.explain === true, signal: context.signal },
          },
        );
        return { ...measured, dataNotes: notes };
      };
      const plan = options.data ? await withData() : planShapes(readNets(options.net), recipe);
      progress.clear();
      answer(context, options, plan, () => planLines(plan, options.explain === true));
    });
}
