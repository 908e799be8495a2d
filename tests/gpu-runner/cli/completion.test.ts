import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Command, Option } from 'commander';
import { expect, test } from 'vitest';
import { complete } from '../../../gpu-runner/cli/completion.ts';
import { Home } from './runCli.ts';

function program(): Command {
  const root = new Command('trunkline').option('--quiet');
  root
    .command('serve')
    .argument('<bundle...>')
    .option('-p, --port <port>')
    .addOption(new Option('--provider <provider>').choices(['cpu', 'cuda']))
    .option('--json');
  root
    .command('show')
    .addArgument(root.createArgument('<kind>').choices(['models', 'datasets']))
    .argument('<name>');
  const keys = root.command('keys');
  keys.command('create');
  keys.command('revoke').argument('<id>');
  root.command('__complete', { hidden: true });
  return root;
}

test.each([
  [[''], ['keys', 'serve', 'show']],
  [['s'], ['serve', 'show']],
  [['serve', ''], []],
  [
    ['serve', '--'],
    ['--help', '--json', '--port', '--provider'],
  ],
  [
    ['serve', '--json', '--p'],
    ['--port', '--provider'],
  ],
  [['serve', '--port', '80', '--po'], []],
  [
    ['serve', '--provider', 'c'],
    ['cpu', 'cuda'],
  ],
  [['serve', '--port', ''], []],
  [
    ['show', ''],
    ['datasets', 'models'],
  ],
  [['show', 'm'], ['models']],
  [['show', 'models', ''], []],
  [
    ['keys', ''],
    ['create', 'revoke'],
  ],
  [['keys', 'revoke', ''], []],
  [['nothing', ''], []],
])('complete(%j) is %j', (words, expected) => {
  expect(complete(program(), words)).toEqual(expected);
});

test('trunkline completion bash makes bash complete commands, and files where it has nothing', async () => {
  const home = await Home.make();
  const { out: script, status } = await home.run(['completion', 'bash']);
  expect(status).toBe(0);
  // Stands for the program: it answers what was asked of it.
  const shell = `trunkline() { local IFS=' '; printf '%s\\n' "asked:$*"; }
${script}
COMP_WORDS=(trunkline keys "re v") COMP_CWORD=2
_trunkline
printf '%s|' "\${COMPREPLY[@]}"
complete -p trunkline`;
  const { stdout } = await promisify(execFile)('bash', ['-c', shell]);
  expect(stdout).toContain('asked:__complete -- keys re v|');
  expect(stdout).toContain('-o default');
  await home.remove();
});

test('trunkline __complete answers for the words typed so far, options too', async () => {
  const home = await Home.make();
  expect((await home.run(['__complete', '--', 'rep'])).out).toBe('report');
  expect((await home.run(['__complete', '--', 'report', '--ur'])).out).toBe('--url');
  expect((await home.run(['__complete', '--', 'report', '--help', ''])).out).toBe('');
  expect((await home.run(['completion', 'tcsh'])).status).toBe(2);
  await home.remove();
});
