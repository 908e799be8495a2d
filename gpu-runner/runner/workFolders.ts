import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A folder that no runner on this machine owns is kept no longer: its runner, elsewhere, has died long ago. */
const abandonedMs = 7 * 24 * 3_600_000;

const owner = (pid: number): string => `${hostname().replaceAll('~', '-')}~${pid}~`;

/** A new folder for one job, below `parent`, named after the process that owns it. */
export async function makeWorkFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, owner(process.pid)));
}

/** Removes the folders of runners that died. What they held in the cache can leave it again. */
export async function removeAbandoned(parent: string): Promise<void> {
  const startedAt = Date.now() - 1000 * process.uptime();
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    const madeAt = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (madeAt === undefined) continue;
    const [host, pid] = name.split('~');
    const here = host === owner(0).split('~')[0];
    // A container starts again as the process that it was.
    const alive = Number(pid) === process.pid ? madeAt > startedAt : isAlive(Number(pid));
    if (here ? !alive : Date.now() - madeAt > abandonedMs) await rm(path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
