import { spawn, type ChildProcess } from 'node:child_process';

/** Lines of a child's output kept for the error message, should it fail. */
const keptLines = 30;
/** Time a child gets to end by itself before it is killed. */
const graceMs = 5000;

/** A child process that lives no longer than this one, with the end of its output. */
export class LocalProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  /**
   * @param options with `detached` the terminal's Ctrl-C does not reach it: whoever started it says when it ends
   */
  constructor(
    name: string,
    args: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; detached?: boolean },
  ) {
    this.#name = name;
    const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const killed = (): void => {
      child.kill('SIGTERM');
    };
    process.on('exit', killed);
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => {
        resolve(error.message);
      });
      child.once('close', (code, signal) => {
        process.off('exit', killed);
        resolve(signal === null ? `ended with code ${code ?? 'unknown'}` : `was ended by ${signal}`);
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#hear(line);
      });
    }
  }

  /**
   * The first match in the output from now on.
   *
   * @throws {Error} with the end of the output when the process ends first or `timeoutMs` have passed
   */
  async waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined;
    let listener: ((line: string) => void) | undefined;
    try {
      return await Promise.race([
        new Promise<RegExpExecArray>((resolve) => {
          listener = (line) => {
            const match = pattern.exec(line);
            if (match) resolve(match);
          };
          this.#listeners.add(listener);
        }),
        this.#ended.then((how) => Promise.reject(this.#failure(how))),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            reject(this.#failure(`said nothing like ${String(pattern)} in ${timeoutMs / 1000} s`));
          }, timeoutMs);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      if (listener) this.#listeners.delete(listener);
    }
  }

  /** Waits until it has ended by itself. @throws {Error} unless it ended with code 0 */
  async succeed(): Promise<void> {
    const how = await this.#ended;
    if (this.#child.exitCode !== 0) throw this.#failure(how);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #hear(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    for (const listener of this.#listeners) listener(line);
  }

  #failure(how: string): Error {
    return new Error(`${this.#name} ${how}. The end of its output:\n${this.#lines.join('\n')}`);
  }
}
