#!/usr/bin/env node
/**
 * The command line: `trunkline <command> ...`. Exit status 1: it could not be done; 2: the command line is wrong.
 */
import { CommanderError } from 'commander';
import { UsageError, type CommandContext } from './cli/context.ts';
import { messageOf, nextStep } from './cli/explain.ts';
import { buildProgram } from './cli/program.ts';

/** Runs one command line. @returns the exit status */
export async function main(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    await buildProgram(context).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Help and versions that were asked for come this way too, with code 0; commander has said it all.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (context.signal?.aborted) {
      context.complain('Stopped.');
      return 130;
    }
    context.complain(messageOf(error));
    const next = nextStep(error);
    if (next !== null) context.complain(`Next: ${next}`);
    if (!(error instanceof UsageError)) return 1;
    context.complain('Next: add --help');
    return 2;
  }
}

if (import.meta.main) {
  const { processContext } = await import('./cli/processContext.ts');
  process.exitCode = await main(process.argv.slice(2), processContext());
}
