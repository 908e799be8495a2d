import type { CommandContext } from './context.ts';

/** What a command says while it works: lines that stay, and one that is drawn over where somebody looks. */
export class Progress {
  readonly #context: CommandContext;
  #drawn = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** A line that stays. */
  note(text: string): void {
    this.clear();
    this.#context.complain(text);
  }

  /** Replaces the line drawn before; not shown where output is not a terminal. */
  update(text: string): void {
    const { terminal } = this.#context;
    if (!terminal) return;
    const width = terminal.columns() - 1;
    const line = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
    terminal.write(`\r\x1b[2K${line}`);
    this.#drawn = true;
  }

  /** Takes the drawn line away. */
  clear(): void {
    if (!this.#drawn) return;
    this.#context.terminal?.write('\r\x1b[2K');
    this.#drawn = false;
  }
}
