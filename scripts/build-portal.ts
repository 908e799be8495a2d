/**
 * Builds the portal into workers/portal/dist when what it is made of has changed. Wrangler runs it before each build of
 * the control Worker.
 *
 *   node scripts/build-portal.ts [--force]
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { portalConfig, portalFolder } from './portal-config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(portalFolder, 'dist');
/** Digest of what `dist` was built from. */
const stamp = join(root, '.cache', 'portal.sha256');

function filesIn(folder: string, patterns: string[]): string[] {
  return globSync(patterns, { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
}

/** Of the page's own files, the client and the contract, and the versions of the packages. */
function digestOfSources(): string {
  const files = filesIn(root, [
    'workers/portal/{src,public}/**/*',
    'workers/portal/index.html',
    'client/*.ts',
    'shared/*.ts',
    'scripts/portal-config.ts',
    'package-lock.json',
  ]);
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

async function buildPortal(): Promise<void> {
  // Whoever calls, a test for one: what is served is never a development build.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  const partial = join(portalFolder, `.build-${process.pid}`);
  try {
    await build({
      ...portalConfig,
      logLevel: 'warn',
      build: { ...portalConfig.build, outDir: partial, emptyOutDir: true },
    });
    // Whoever serves `dist` meanwhile finds a whole page, the old one or the new: what pages name comes before them and
    // goes after them.
    const fresh = filesIn(partial, ['**/*', '**/.*']);
    const pages = fresh.filter((file) => file.endsWith('.html'));
    for (const file of [...fresh.filter((one) => !pages.includes(one)), ...pages]) {
      const place = join(target, file);
      mkdirSync(dirname(place), { recursive: true });
      copyFileSync(join(partial, file), `${place}.${process.pid}`);
      renameSync(`${place}.${process.pid}`, place);
    }
    for (const file of filesIn(target, ['**/*'])) {
      const own = /\.\d+$/.test(file.split(sep).at(-1) ?? '');
      if (!own && !fresh.includes(file)) rmSync(join(target, file), { force: true });
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

const wanted = digestOfSources();
const isFresh =
  existsSync(join(target, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
if (!isFresh || process.argv.includes('--force')) {
  await buildPortal();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}
