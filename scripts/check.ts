import { spawnSync } from 'node:child_process';

// What `npm test` runs. Arguments narrow the tests only: `npm test -- tests/shared`.
const filters = process.argv.slice(2);
const checks: [string, string[]][] = [
  ['format', ['prettier', '--check', '--log-level=warn', '.']],
  ['lint', ['eslint', '--max-warnings=0', '.']],
  ['types of the runner', ['tsc', '-p', 'tsconfig.json']],
  ['types of the workers', ['tsc', '-p', 'workers']],
  ['types of the portal', ['tsc', '-p', 'workers/portal']],
  ['tests', ['vitest', 'run', ...filters]],
];

const failed: string[] = [];
for (const [name, [command = '', ...args]] of checks) {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`== ${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`);
console.log(`\nchecks: ${checks.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);
