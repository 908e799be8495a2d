// Runs a TypeScript file of this repository under the Node version it pins, installing what is missing first.
// Plain JavaScript without dependencies: it is what a fresh clone starts with, on Node 18 or later.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const node = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Runs a file of this repository to its end, and ends this process as it ended.
 *
 * @param {string} script from the root
 * @param {readonly string[]} args
 * @param {string} [cwd] where it runs; the root when left out
 */
export function run(script, args, cwd = root) {
  install();
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, script), ...args], {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}` },
  });
  // The terminal tells the child of Ctrl-C itself; what is sent to this process alone is passed on.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`Cannot start ${script}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)));
}

function install() {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    console.error(
      `Cannot start: Node ${process.versions.node} is too old to install the packages, 18 or later is needed`,
    );
    process.exit(1);
  }

  if (!isInstalled()) {
    console.error('Installing the packages (about a minute, once) ...');
    const npm = process.env.npm_execpath;
    const installArgs = ['ci', '--no-fund', '--no-audit', '--loglevel=error'];
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    const { status, error } = npm
      ? spawnSync(process.execPath, [npm, ...installArgs], {
          cwd: root,
          stdio: ['ignore', 'inherit', 'inherit'],
          env,
        })
      : spawnSync('npm', installArgs, {
          cwd: root,
          stdio: ['ignore', 'inherit', 'inherit'],
          env,
          shell: process.platform === 'win32',
        });
    if (status !== 0) {
      console.error(`Cannot install the packages: npm ci ended with ${error?.message ?? `code ${status}`}`);
      process.exit(1);
    }
  }
}

/** Whether every package is there in the locked version: npm keeps a lock of what it installed beside the packages. */
function isInstalled() {
  const installed = join(modules, '.package-lock.json');
  if (!existsSync(node) || !existsSync(installed)) return false;
  const packagesIn = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const found = packagesIn(installed);
  return Object.entries(packagesIn(join(root, 'package-lock.json'))).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || optional || devOptional || found[path]?.version === version,
  );
}

const called = process.argv[1];
if (called !== undefined && existsSync(called) && realpathSync(called) === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2);
  run(script, args);
}
