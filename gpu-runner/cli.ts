#!/usr/bin/env node
/**
 * The command line: `trunkline <command> ...`. Exit status 1: it could not be done; 2: the command line is wrong.
 */
import { UsageError, type Command, type CommandContext } from './runner/command.ts';
import { reportCommand } from './runner/reportCommand.ts';

const commands: Readonly<Record<string, Command>> = { report: reportCommand };

const usage = (): string =>
  Object.entries(commands)
    .map(([name, command]) => `trunkline ${name} ${command.usage}\n    ${command.summary}`)
    .join('\n');

/** Runs one command line. @returns the exit status */
export async function main(
  [name, ...args]: readonly string[],
  context: CommandContext & { readonly complain: (text: string) => void },
): Promise<number> {
  if (name === undefined || name === '--help' || name === 'help') {
    (name === undefined ? context.complain : context.print)(usage());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    context.complain(`Cannot run "${name}": there is no such command\n${usage()}`);
    return 2;
  }
  try {
    await command.run(args, context);
    return 0;
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    if (!(error instanceof UsageError)) return 1;
    context.complain(`trunkline ${name} ${command.usage}`);
    return 2;
  }
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2), {
    env: process.env,
    print: (text) => console.log(text),
    complain: (text) => console.error(text),
  });
}
