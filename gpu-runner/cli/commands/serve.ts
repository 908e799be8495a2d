import type { Command } from 'commander';
import { name as nameSchema } from '../../../shared/manifest.ts';
import { generateKey } from '../../../shared/keys.ts';
import { UsageError, type CommandContext } from '../context.ts';
import { providerOption, wholeNumber, withJson, type JsonOption } from '../options.ts';

interface ServeOptions extends JsonOption {
  readonly port: number;
  readonly host: string;
  readonly endpointName: string;
  readonly provider: 'cpu' | 'cuda' | 'webgpu';
  readonly threads?: number;
  readonly memory?: number;
}

const MiB = 2 ** 20;
const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** A bundle folder, answered for as the edge would. */
export function addServe(program: Command, context: CommandContext): void {
  withJson(program.command('serve'))
    .description('serve bundle folders from this process, with the same API as the edge')
    .argument('<bundle...>', 'folders; their tasks become one endpoint')
    .option('--port <port>', '0 takes a free one', wholeNumber(0, 65_535), 8788)
    .option('--host <address>', 'to listen on; other than this machine, a key is needed', '127.0.0.1')
    .option('--endpoint-name <name>', 'what clients call the model', 'bundle')
    .addOption(providerOption())
    .option('--threads <n>', 'of one operator (default: one a core)', wholeNumber(1, 1024))
    .option(
      '--memory <MiB>',
      'of graphs and weights at a time (default: half the machine)',
      wholeNumber(1, 2 ** 24),
    )
    .addHelpText('after', '\nWith TRUNKLINE_SERVE_KEY set, requests need that key.')
    .action(async (folders: string[], options: ServeOptions) => {
      if (!nameSchema.safeParse(options.endpointName).success)
        throw new UsageError(`Cannot serve: "${options.endpointName}" is no name for an endpoint`);
      const given = context.env.TRUNKLINE_SERVE_KEY;
      const made = given === undefined && !loopback.has(options.host) ? generateKey().key : undefined;
      const key = given ?? made;
      const { publishFolders } = await import('../../serve/publishedFolders.ts');
      const { createNodeEdge } = await import('../../serve/nodeEdge.ts');
      const { listen } = await import('../../serve/listen.ts');
      const { published, bundles } = await publishFolders(
        options.endpointName,
        folders,
        key === undefined ? [] : [key],
      );
      const app = createNodeEdge(published, {
        provider: options.provider,
        ...(options.threads !== undefined && { threads: options.threads }),
        ...(options.memory !== undefined && { memoryBytes: options.memory * MiB }),
        keys: key === undefined ? 'none' : 'required',
      });
      const server = await listen(app, options.host, options.port);
      const model = `${server.url}/v2/models/${options.endpointName}`;
      const tasks = bundles.flatMap(({ manifest }) => manifest.heads.map(({ task }) => task));
      if (options.json)
        context.print(
          JSON.stringify({ url: server.url, model, tasks, ...(made !== undefined && { key: made }) }),
        );
      else {
        context.print(`${model} answers ${tasks.join(', ')}`);
        if (made !== undefined) context.print(`Requests need this key, made for this run: ${made}`);
        context.print(`Ask: trunkline infer ${options.endpointName} <image> --edge-url ${server.url}`);
        context.complain('Press Ctrl-C to stop.');
      }
      await aborted(context.signal);
      await server.close();
    });
}

/** Ends when the signal is aborted; never without one. */
function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
