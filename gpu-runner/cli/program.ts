import { Command } from 'commander';
import { addEndpoints } from './commands/endpoints.ts';
import { addExtend } from './commands/extend.ts';
import { addGc } from './commands/gc.ts';
import { addInfer } from './commands/infer.ts';
import { addInspect } from './commands/inspect.ts';
import { addAlias, addList } from './commands/items.ts';
import { addJobs } from './commands/jobs.ts';
import { addKeys } from './commands/keys.ts';
import { addLogin } from './commands/login.ts';
import { addMerge } from './commands/merge.ts';
import { addPlan } from './commands/plan.ts';
import { addPush } from './commands/push.ts';
import { addReport } from './commands/report.ts';
import { addRunner } from './commands/runner.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addUnzip } from './commands/unzip.ts';
import { addZip } from './commands/zip.ts';
import { addCompletion } from './completion.ts';
import type { CommandContext } from './context.ts';
import { version } from './version.ts';

type Add = (program: Command, context: CommandContext) => void;

/** As help lists them. */
const groups: Readonly<Record<string, readonly Add[]>> = {
  'On this machine:': [addInspect, addPlan, addZip, addExtend, addUnzip, addServe],
  'The registry:': [addPush, addList, addShow, addAlias],
  'Merging:': [addMerge, addJobs, addRunner],
  'Serving:': [addEndpoints, addInfer, addReport],
  'The service:': [addLogin, addKeys, addGc],
};

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
  for (const [heading, all] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const add of all) add(program, context);
  }
  program.commandsGroup('More:');
  addCompletion(program, context);
  return program;
}
