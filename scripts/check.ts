import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

// What `npm test` runs. Arguments narrow the tests only: `npm test -- tests/shared`.
const filters = process.argv.slice(2);
/** Of these two groups one runs beside the other: linting takes about as long as all else that comes before the tests. */
const linting: Check = { name: 'lint', command: ['eslint', '--max-warnings=0', '.'] };
const others: readonly Check[] = [
  { name: 'format', command: ['prettier', '--check', '--log-level=warn', '.'] },
  { name: 'types of the runner', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'types of the workers', command: ['tsc', '-p', 'workers'] },
  { name: 'types of the portal', command: ['tsc', '-p', 'workers/portal'] },
];
const tests: Check = { name: 'tests', command: ['vitest', 'run', ...filters] };

const failed: string[] = [];

/** Runs a check; what it prints comes in one piece when it has ended, unless it is watched. */
async function run({ name, command: [program = '', ...args] }: Check, isWatched = false): Promise<void> {
  if (isWatched) console.log(`\n== ${name}`);
  const started = performance.now();
  const shell = process.platform === 'win32';
  const child = spawn(program, args, { stdio: isWatched ? 'inherit' : ['ignore', 'pipe', 'pipe'], shell });
  const printed = Promise.all(
    [child.stdout, child.stderr].map(async (stream) => (stream ? await text(stream) : '')),
  );
  const [code] = (await once(child, 'close')) as [number | null];
  if (!isWatched) process.stdout.write(`\n== ${name}\n${(await printed).join('')}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`== ${name}: ${code === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
  if (code !== 0) failed.push(name);
}

async function inTurn(checks: readonly Check[]): Promise<void> {
  for (const check of checks) await run(check);
}

await Promise.all([inTurn([linting]), inTurn(others)]);
await run(tests, true);
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`);
console.log(`\nchecks: ${others.length + 2 - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);
