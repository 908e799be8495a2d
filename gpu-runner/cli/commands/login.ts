import type { Command } from 'commander';
import { ApiError, HttpClient } from '../../../client/http.ts';
import { keyId } from '../../../shared/keys.ts';
import { checkUrl, defaultEdgeUrl, defaultUrl, forgetCredentials, writeCredentials } from '../config.ts';
import { CommandError, UsageError, type CommandContext } from '../context.ts';
import { answer, withJson, type JsonOption } from '../options.ts';

interface LoginOptions extends JsonOption {
  readonly url?: string;
  readonly edgeUrl?: string;
}

/** Where the service is and the key for it, kept for later commands. */
export function addLogin(program: Command, context: CommandContext): void {
  withJson(program.command('login'))
    .description('keep a service and the key for it, for later commands')
    .option('--url <url>', `of the control Worker (default: TRUNKLINE_URL or ${defaultUrl})`)
    .option(
      '--edge-url <url>',
      `of the edge Worker (default: TRUNKLINE_EDGE_URL or ${defaultEdgeUrl} with a local service)`,
    )
    .addHelpText(
      'after',
      '\nThe key is asked for, or read from TRUNKLINE_KEY or the standard input: arguments can be read by everybody on a machine.',
    )
    .action(async (options: LoginOptions) => {
      const url = checkUrl(options.url ?? context.env.TRUNKLINE_URL ?? defaultUrl);
      const edge =
        options.edgeUrl ?? context.env.TRUNKLINE_EDGE_URL ?? (isLocal(url) ? defaultEdgeUrl : undefined);
      const key = await readKey(context);
      const access = await probe(url, key, context);
      const file = await writeCredentials(context.env, {
        url,
        key,
        ...(edge !== undefined && { edgeUrl: checkUrl(edge) }),
      });
      const done = { url, edgeUrl: edge ?? null, keyId: keyId(key), mayRead: access === 'read', file };
      answer(context, options, done, () => [
        `Logged in to ${url} with key ${done.keyId ?? ''}; kept in ${file}`,
        ...(done.mayRead ? [] : ['This key lacks the scope read: it can list nothing.']),
      ]);
    });
  withJson(program.command('logout'))
    .description('forget the service and its key')
    .action(async (options: JsonOption) => {
      const forgotten = await forgetCredentials(context.env);
      answer(context, options, { forgotten }, () => (forgotten ? 'Logged out.' : 'Nobody was logged in.'));
    });
}

const isLocal = (url: string): boolean => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);

async function readKey(context: CommandContext): Promise<string> {
  const { env, askSecret, readInput } = context;
  const text = env.TRUNKLINE_KEY ?? (await (askSecret ? askSecret('API key: ') : readInput?.())) ?? '';
  const key = text.trim();
  if (keyId(key) !== null) return key;
  throw new UsageError(
    key === ''
      ? 'Cannot log in: no key was given; set TRUNKLINE_KEY or write it to the standard input'
      : 'Cannot log in: what was given does not have the form of an API key (tl_<id>_<secret>)',
  );
}

/** Whether the service knows the key. A key without the scope read is known as well. */
async function probe(url: string, key: string, { signal }: CommandContext): Promise<'read' | 'known'> {
  const http = new HttpClient({ url, key, signal, attempts: 2 });
  try {
    await http.done({ method: 'GET', path: ['v1', 'endpoints'] });
    return 'read';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 403) return 'known';
    if (error.status === 401)
      throw new CommandError(`Cannot log in: ${error.message}`, 'ask an operator for a key', {
        cause: error,
      });
    throw error;
  }
}
