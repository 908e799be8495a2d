import type { CommandContext } from './context.ts';

/** Where output is not a terminal, a log say, silence for longer looks as if nothing went on. */
const pauseMs = 60_000;

/**
 * What a command says while it works: lines that stay, and one that is drawn over where somebody looks. Where nobody does,
 * that one is written down once a minute.
 */
export class Progress {
  readonly #context: CommandContext;
  readonly #now: () => number;
  #drawn = false;
  #saidAt: number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(context: CommandContext, now: () => number = () => performance.now()) {
    this.#context = context;
    this.#now = now;
    this.#saidAt = now();
  }

  /** A line that stays. */
  note(text: string): void {
    this.clear();
    this.#saidAt = this.#now();
    this.#context.complain(text);
  }

  /** Replaces the line drawn before; where output is not a terminal, a line that stays if there was none for a minute. */
  update(text: string): void {
    const { terminal } = this.#context;
    if (!terminal) {
      if (this.#now() - this.#saidAt >= pauseMs) this.note(text);
      return;
    }
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
