import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { generateKey } from '../../shared/keys.ts';

const kept = z.strictObject({
  /** Makes other keys. */
  admin: z.string(),
  /** With every scope, for whoever works on this machine; absent until it was made. */
  developer: z.string().optional(),
  runner: z.string().optional(),
  /** Whether the examples are in the registry. */
  seeded: z.boolean(),
});
type Kept = z.infer<typeof kept>;

/** The folder of a platform on this machine: its databases, its keys. Another start goes on with it. */
export class Home {
  readonly folder: string;
  #kept: Kept;

  private constructor(folder: string, value: Kept) {
    this.folder = folder;
    this.#kept = value;
  }

  /** @param fresh forget what was there */
  static async open(folder: string, fresh: boolean): Promise<Home> {
    if (fresh) await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const text = await readFile(join(folder, 'keys.json'), 'utf8').catch(() => null);
    if (text !== null) {
      const parsed = kept.safeParse(JSON.parse(text));
      if (!parsed.success)
        throw new Error(`Cannot use ${folder}: its keys.json is not valid; --fresh begins anew`);
      return new Home(folder, parsed.data);
    }
    const home = new Home(folder, { admin: generateKey().key, seeded: false });
    await home.keep({});
    return home;
  }

  get keys(): Readonly<Kept> {
    return this.#kept;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Remembers further keys; only their owner may read them. */
  async keep(more: Partial<Kept>): Promise<void> {
    this.#kept = { ...this.#kept, ...more };
    const file = this.path('keys.json');
    await writeFile(`${file}.partial`, JSON.stringify(this.#kept, null, 2), { mode: 0o600 });
    await chmod(`${file}.partial`, 0o600);
    await rename(`${file}.partial`, file);
  }
}
