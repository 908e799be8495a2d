import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { explainIssues } from '../../shared/explain-issues.ts';
import { CommandError, UsageError, type CommandContext } from './context.ts';

type Env = CommandContext['env'];

const credentials = z.strictObject({
  /** Of the control Worker. */
  url: z.url(),
  /** Of the edge Worker. */
  edgeUrl: z.url().optional(),
  key: z.string().min(1),
});
/** What `trunkline login` keeps. */
export type Credentials = z.infer<typeof credentials>;

/** Where a local platform answers. */
export const defaultUrl = 'http://127.0.0.1:8787';
export const defaultEdgeUrl = 'http://127.0.0.1:8788';

/** By the XDG Base Directory specification; %APPDATA% on Windows. */
export function credentialsFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME ?? env.APPDATA ?? join(env.HOME ?? homedir(), '.config');
  return join(base, 'trunkline', 'credentials.json');
}

/**
 * What `trunkline login` kept; null when nobody logged in.
 *
 * @throws {CommandError} when others can read the file, or it is not one
 */
export async function readCredentials(env: Env): Promise<Credentials | null> {
  const file = credentialsFile(env);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const { mode } = await stat(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new CommandError(
      `Cannot use ${file}: others can read it (mode ${(mode & 0o777).toString(8)})`,
      `chmod 600 ${file}`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CommandError(`Cannot use ${file}: it is not JSON`, 'trunkline login');
  }
  const parsed = credentials.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CommandError(`Cannot use ${file}: ${explainIssues(parsed.error)}`, 'trunkline login');
}

/** Keeps credentials where only their owner reads them. @returns the file */
export async function writeCredentials(env: Env, value: Credentials): Promise<string> {
  const file = credentialsFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${randomUUID()}.partial`;
  await writeFile(partial, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  // The mode above counts for new files only.
  await chmod(partial, 0o600);
  await rename(partial, file);
  return file;
}

/** @returns whether there was something to forget */
export async function forgetCredentials(env: Env): Promise<boolean> {
  const file = credentialsFile(env);
  const known = await stat(file).catch(() => null);
  await rm(file, { force: true });
  return known !== null;
}

export interface RemoteOptions {
  readonly url?: string | undefined;
}

/**
 * Where the control Worker answers and the key for it: an option or the environment win over what `login` kept. A kept
 * key goes to the service it was kept for and to no other.
 *
 * @throws {UsageError} for what is no URL, {CommandError} without a key
 */
export async function remoteAccess(env: Env, options: RemoteOptions): Promise<{ url: string; key: string }> {
  const kept = await readCredentials(env);
  const url = checkUrl(options.url ?? env.TRUNKLINE_URL ?? kept?.url ?? defaultUrl);
  const key = env.TRUNKLINE_KEY ?? (kept && origin(kept.url) === origin(url) ? kept.key : undefined);
  if (key) return { url, key };
  throw new CommandError(
    `Cannot ask ${url}: there is no API key for it in TRUNKLINE_KEY, and none was kept by a login`,
    `trunkline login --url ${url}`,
  );
}

/** As `remoteAccess()`, for the edge Worker (or `trunkline serve`), which may need no key. */
export async function edgeAccess(
  env: Env,
  options: { readonly edgeUrl?: string | undefined },
): Promise<{ url: string; key: string | undefined }> {
  const kept = await readCredentials(env);
  const url = checkUrl(options.edgeUrl ?? env.TRUNKLINE_EDGE_URL ?? kept?.edgeUrl ?? defaultEdgeUrl);
  const keptFor = kept?.edgeUrl !== undefined && origin(kept.edgeUrl) === origin(url);
  return { url, key: env.TRUNKLINE_KEY ?? (keptFor ? kept.key : undefined) };
}

export function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new UsageError(`"${text}" is not a URL: it should begin with https:// or http://`);
}

const origin = (url: string): string => new URL(url).origin;
