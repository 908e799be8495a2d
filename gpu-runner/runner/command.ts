/** Where a command reads its environment and writes its answer. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
}

/** A subcommand of the command line. */
export interface Command {
  /** What follows its name, e.g. "<experiment> [--json]". */
  readonly usage: string;
  readonly summary: string;
  /** @throws {UsageError} when the arguments make no sense, {Error} when it cannot do what they say */
  run(args: readonly string[], context: CommandContext): Promise<void>;
}

/** The command line is wrong, not the world. */
export class UsageError extends Error {}
