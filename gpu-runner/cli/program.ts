import { Command } from 'commander';
import { addLogin } from './commands/login.ts';
import { addReport } from './commands/report.ts';
import { addServe } from './commands/serve.ts';
import { addCompletion } from './completion.ts';
import type { CommandContext } from './context.ts';

/** As in package.json. */
export const version = '0.1.0';

/**
 * All commands. What a command needs to run (ONNX Runtime, say) is loaded when it runs: help and completion are quick.
 */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('trunkline')
    .description('Merge trained networks into one, and serve all their tasks.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Next: add --help')
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.complain(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'Cannot run this: ')),
    });
  for (const add of [addServe, addLogin, addReport, addCompletion]) add(program, context);
  return program;
}
