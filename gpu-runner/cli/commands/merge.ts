import { InvalidArgumentError, type Command } from 'commander';
import { mergeSource, type MergeSource } from '../../../shared/jobs.ts';
import type { RemoteOptions } from '../config.ts';
import type { CommandContext } from '../context.ts';
import { answer, commaSeparated, connect, wholeNumber, withRemote, type JsonOption } from '../options.ts';
import { readRecipe, withRecipe, type RecipeOptions } from '../recipeOptions.ts';
import { watch } from './jobs.ts';

interface MergeOptions extends RemoteOptions, JsonOption, RecipeOptions {
  readonly source: MergeSource[];
  readonly endpoint?: string;
  readonly tasks?: string[];
  readonly publish?: boolean;
  readonly priority?: number;
  readonly detach?: boolean;
}

/** A merge by a runner, of what is registered. */
export function addMerge(program: Command, context: CommandContext): void {
  withRecipe(withRemote(program.command('merge')))
    .description('merge registered models on a runner, and watch it')
    .argument('<name>', 'of the bundle that comes out')
    .requiredOption(
      '--source <task=model,data>',
      'e.g. digit=digit@champion,digits@2; one a task',
      sourceOption,
    )
    .option('--endpoint <name>', 'where the bundle is to serve')
    .option('--tasks <list>', 'those of the endpoint it answers (default: all of its own)', commaSeparated)
    .option('--publish', 'let the endpoint serve the bundle as soon as it is there')
    .option('--priority <n>', '0 to 9, greater goes first', wholeNumber(0, 9))
    .option('--detach', 'do not wait for it')
    .action(async (name: string, options: MergeOptions) => {
      const { source: sources, endpoint, tasks, publish, priority, detach } = options;
      const recipe = await readRecipe(options);
      const client = await connect(context, options);
      const job = await client.jobs.merge({
        name,
        sources,
        recipe,
        ...(endpoint !== undefined && { endpoint: { name: endpoint, ...(tasks && { tasks }) } }),
        ...(publish && { publish }),
        ...(priority !== undefined && { priority }),
      });
      if (detach) {
        answer(context, options, job, () => [
          `Job ${job.id} is ${job.state}.`,
          `Next: trunkline watch ${job.id}`,
        ]);
        return;
      }
      context.complain(`Job ${job.id}`);
      await watch(context, client, job.id, options);
    });
}

function sourceOption(text: string, before: MergeSource[] | undefined): MergeSource[] {
  const [, task, model, data] = /^([^=]+)=([^,]+),([^,]+)$/.exec(text) ?? [];
  const parsed = mergeSource.safeParse({ task, model, data });
  if (parsed.success) return [...(before ?? []), parsed.data];
  throw new InvalidArgumentError('It should be task=model,data, e.g. digit=digit@champion,digits@2.');
}
