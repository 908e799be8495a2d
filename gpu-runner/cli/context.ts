/** Where a command reads its environment and writes its answer. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line of the answer. */
  readonly print: (text: string) => void;
  /** A line that is not the answer: what goes wrong, and what is being done. */
  readonly complain: (text: string) => void;
  /** Where what is being done is drawn in place; absent when nobody looks. */
  readonly terminal?: Terminal | undefined;
  /** Aborted by Ctrl-C and by the system. */
  readonly signal?: AbortSignal | undefined;
  /** Asks the person at the terminal, without showing what is typed; absent when there is none. */
  readonly askSecret?: ((question: string) => Promise<string>) | undefined;
  readonly readInput?: (() => Promise<string>) | undefined;
}

export interface Terminal {
  readonly write: (text: string) => void;
  readonly columns: () => number;
}

/** The command line is wrong, not the world. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It could not be done, and this command may help. Exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** What to type next. */
  readonly next: string;

  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.next = next;
  }
}
