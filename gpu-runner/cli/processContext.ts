import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { CommandContext } from './context.ts';

/** What somebody is told who may have to wait a moment. */
const stopping = 'Stopping as soon as it can; Ctrl-C again to stop at once';

/** A command's context in a process of its own: its streams, and Ctrl-C. A second Ctrl-C ends it at once. */
export function processContext(): CommandContext {
  const { stdin, stdout, stderr, env } = process;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(130);
      // Over the line that may be drawn there.
      stderr.write(`${stderr.isTTY ? '\r\x1b[2K' : ''}${stopping}\n`);
      stop.abort();
    });
  }
  // A reader that went away (`trunkline ls | head`) is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  return {
    env,
    print: (line) => stdout.write(`${line}\n`),
    complain: (line) => stderr.write(`${line}\n`),
    terminal: stderr.isTTY
      ? { write: (drawn) => stderr.write(drawn), columns: () => stderr.columns }
      : undefined,
    signal: stop.signal,
    askSecret: stdin.isTTY ? (question) => askSecret(question, stop.signal) : undefined,
    readInput: () => text(stdin),
  };
}

function askSecret(question: string, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  stderr.write(question);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      lines.close();
      stderr.write('\n');
    };
    lines.once('SIGINT', () => {
      end();
      process.kill(process.pid, 'SIGINT');
    });
    lines.once('line', (line) => {
      end();
      resolve(line);
    });
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}
