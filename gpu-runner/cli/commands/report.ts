import type { Command } from 'commander';
import { renderExperiment } from '../../runner/renderExperiment.ts';
import { messageOf } from '../explain.ts';
import type { CommandContext } from '../context.ts';
import { answer, connect, withRemote, type JsonOption } from '../options.ts';
import type { RemoteOptions } from '../config.ts';

/** How an experiment stands. */
export function addReport(program: Command, context: CommandContext): void {
  withRemote(program.command('report'))
    .description('how an experiment stands (scope read)')
    .argument('<experiment>')
    .action(async (experiment: string, options: RemoteOptions & JsonOption) => {
      const client = await connect(context, options);
      const report = await client.experimentReport(experiment).catch((cause: unknown) => {
        throw reworded(`Cannot report on experiment ${experiment}`, cause);
      });
      answer(context, options, report, renderExperiment);
    });
}

/** The same error, with what was to be done before it. */
function reworded(what: string, error: unknown): unknown {
  if (error instanceof Error) error.message = `${what}: ${messageOf(error)}`;
  return error;
}
