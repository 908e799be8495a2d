import { z } from 'zod';
import { generateKey, hashKey } from '../../shared/keys.ts';
import { generateSigningKey } from '../../shared/signature.ts';
import { succeed, type Wrangler } from './wrangler.ts';

const secretList = z.array(z.object({ name: z.string() }));

export interface SecretOptions {
  /** Configuration files of the Workers. */
  readonly control: string;
  readonly edge: string;
  /** Whether manifests are to be signed from now on. */
  readonly sign: boolean;
  readonly log: (line: string) => void;
}

/**
 * Gives the Workers the secrets they lack: the operator's first key, whose hash alone is stored, and the keys that sign
 * and check manifests. Values travel through standard input.
 *
 * @returns the operator's key when it was made now: it is kept nowhere
 */
export async function ensureSecrets(
  run: Wrangler,
  { control, edge, sign, log }: SecretOptions,
): Promise<string | null> {
  const put = async (config: string, name: string, value: string): Promise<void> => {
    await succeed(run, ['secret', 'put', name, '--config', config], value);
    log(`Set secret ${name}`);
  };
  const known = async (config: string): Promise<Set<string>> => {
    const { stdout } = await succeed(run, ['secret', 'list', '--format', 'json', '--config', config]);
    return new Set(secretList.parse(JSON.parse(stdout)).map(({ name }) => name));
  };
  const there = await known(control);
  if (sign && !there.has('SIGNING_KEY')) {
    const { privateKey, trusted } = await generateSigningKey();
    // The control plane signs before the edge asks for it: no manifest is refused in between.
    await put(control, 'SIGNING_KEY', privateKey);
    await put(edge, 'SIGNING_PUBLIC_KEYS', JSON.stringify([trusted]));
  }
  if (there.has('BOOTSTRAP_KEY_HASH')) return null;
  const { key } = generateKey();
  await put(control, 'BOOTSTRAP_KEY_HASH', await hashKey(key));
  return key;
}
