import type { Command } from 'commander';
import { readCredentials } from '../config.ts';
import type { CommandContext } from '../context.ts';
import { version } from '../version.ts';

interface RunnerOptions {
  readonly url?: string;
  readonly untilIdle?: boolean;
  readonly environment?: boolean;
}

/** A process that does jobs. */
export function addRunner(program: Command, context: CommandContext): void {
  program
    .command('runner')
    .description('do jobs, one at a time, until stopped (scope runner)')
    .option('--url <url>', 'of the service (default: TRUNKLINE_URL, or where you logged in)')
    .option('--until-idle', 'end when there is no job')
    .option('--environment', 'only say which environment variables set it up')
    .action(async ({ url, untilIdle, environment }: RunnerOptions) => {
      const { runRunner } = await import('../../runner/runRunner.ts');
      const { runnerOptionsFromEnv, runnerVariables } = await import('../../runner/runnerEnv.ts');
      if (environment) {
        for (const [name, meaning] of Object.entries(runnerVariables))
          context.print(`${name.padEnd(32)} ${meaning}`);
        return;
      }
      const kept = await readCredentials(context.env);
      const env = { ...context.env };
      env.TRUNKLINE_URL = url ?? env.TRUNKLINE_URL ?? kept?.url;
      // A kept key goes to the service it was kept for.
      if (kept && env.TRUNKLINE_URL === kept.url) env.TRUNKLINE_KEY ??= kept.key;
      const options = runnerOptionsFromEnv(env);
      context.complain(`Runner ${options.name} asks ${options.control.url} for jobs. Press Ctrl-C to stop.`);
      await runRunner({
        ...options,
        version,
        ...(untilIdle && { untilIdle }),
        signal: context.signal,
        log: context.complain,
        onListening: (at) => context.complain(`Health and metrics: ${at}`),
      });
    });
}
