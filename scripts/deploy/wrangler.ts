import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ran {
  readonly ok: boolean;
  readonly stdout: string;
  /** Both streams, as they came. */
  readonly output: string;
}

/** Runs wrangler with these arguments. @param input for its standard input; secrets go there, never into arguments */
export type Wrangler = (args: readonly string[], input?: string) => Promise<Ran>;

/** Wrangler of this repository, from its root, asking nobody anything. */
export const wrangler: Wrangler = (args, input) =>
  new Promise((resolve, reject) => {
    const command = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
    const child = spawn(process.execPath, [command, ...args], {
      cwd: root,
      // CI: it takes the default where it would ask.
      env: {
        ...process.env,
        CI: '1',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        NO_COLOR: '1',
      },
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, stdout, output }));
    // It may end without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });

/** As `wrangler`, where anything but success is an error. @throws {Error} with the end of its output */
export async function succeed(run: Wrangler, args: readonly string[], input?: string): Promise<Ran> {
  const ran = await run(args, input);
  if (ran.ok) return ran;
  throw new Error(`Cannot deploy: wrangler ${args.join(' ')} failed:\n${lastLines(ran.output)}`);
}

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-20).join('\n');
