import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-run-'));
  await mkdir(join(folder, 'elsewhere'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs `script` through run.mjs, called from a folder elsewhere. @param cwd what run() is given */
function launch(script: string, args: readonly string[], cwd?: string) {
  const call = [relative(root, script), args, ...(cwd === undefined ? [] : [cwd])].map((one) =>
    JSON.stringify(one),
  );
  const code = `import { run } from ${JSON.stringify(pathToFileURL(join(root, 'scripts/run.mjs')).href)}; run(${call.join()})`;
  return spawn(process.execPath, ['--input-type=module', '-e', code, 'no-script'], {
    cwd: join(folder, 'elsewhere'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('run() runs a file under the pinned Node, in the root or where it is told, and ends as it ended', async () => {
  const script = join(folder, 'tell.ts');
  await writeFile(
    script,
    'const said: string[] = [process.cwd(), process.version, ...process.argv.slice(2)]; console.log(JSON.stringify(said)); process.exitCode = 7;',
  );
  const { version } = (await import('../../node_modules/node/package.json', { with: { type: 'json' } }))
    .default;
  for (const [cwd, expected] of [
    [undefined, root],
    [join(folder, 'elsewhere'), join(folder, 'elsewhere')],
  ] as const) {
    const child = launch(script, ['a b', '--c'], cwd);
    const [said, ended] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    const code: unknown = ended[0];
    const [where, node, ...args] = JSON.parse(said) as string[];
    expect([where, node, args, code]).toEqual([expected, `v${version}`, ['a b', '--c'], 7]);
  }
});

test('run() passes on what asks it to end, and waits for the end', async () => {
  const script = join(folder, 'wait.ts');
  await writeFile(
    script,
    "process.on('SIGTERM', () => setTimeout(() => { console.log('put away'); process.exit(0); }, 100)); setInterval(() => undefined, 1000); console.log('up');",
  );
  const child = launch(script, []);
  const said: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    said.push(part);
    if (part.includes('up')) child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'close')) as [number];
  expect([code, said.join('')]).toEqual([0, 'up\nput away\n']);
});
