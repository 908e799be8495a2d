import { Option, type Command } from 'commander';
import { collect } from '../../../client/pages.ts';
import { scopes, type Scope } from '../../../shared/keys.ts';
import { textTable } from '../../runner/textTable.ts';
import type { RemoteOptions } from '../config.ts';
import { UsageError, type CommandContext } from '../context.ts';
import { moment } from '../figures.ts';
import { answer, commaSeparated, connect, wholeNumber, withRemote, type JsonOption } from '../options.ts';

type Options = RemoteOptions & JsonOption;

interface CreateOptions extends Options {
  readonly name: string;
  readonly scopes: string[];
  readonly project?: string;
  readonly days?: number;
}

/** API keys; the scope admin is needed. */
export function addKeys(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('make, list and revoke API keys (scope admin)');
  withRemote(keys.command('create'))
    .description('a new key; it is shown this once')
    .requiredOption('--name <text>', 'what it is used for')
    .addOption(
      new Option('--scopes <list>', `of ${scopes.join(', ')}`)
        .argParser(commaSeparated)
        .makeOptionMandatory(),
    )
    .option('--project <name>', 'only the operator key may name another one than its own')
    .option('--days <n>', 'until it expires (default: never)', wholeNumber(1, 3650))
    .action(async ({ name, scopes: wanted, project, days, ...options }: CreateOptions) => {
      const unknown = wanted.filter((one) => !(scopes as readonly string[]).includes(one));
      if (unknown.length > 0 || wanted.length === 0)
        throw new UsageError(
          `Cannot make a key with scope ${unknown.join(', ') || 'none'}: there are ${scopes.join(', ')}`,
        );
      const client = await connect(context, options);
      const created = await client.keys.create({
        name,
        scopes: wanted as Scope[],
        ...(project !== undefined && { project }),
        ...(days !== undefined && { expiresInDays: days }),
      });
      if (!options.json)
        context.complain(
          `Key ${created.id} with scope ${created.scopes.join(', ')}; keep it, it is not shown again:`,
        );
      answer(context, options, created, () => created.key);
    });
  withRemote(keys.command('ls'))
    .description('the keys there are, without their secrets')
    .action(async (options: Options) => {
      const client = await connect(context, options);
      const all = await collect(client.keys.list());
      answer(context, options, { keys: all }, () =>
        textTable(
          [
            ['key', 'name', 'project', 'scopes', 'created', 'state'],
            ...all.map((key) => [
              key.id,
              key.name,
              key.project,
              key.scopes.join(','),
              moment(key.createdAt),
              key.revokedAt !== null
                ? 'revoked'
                : key.expiresAt === null
                  ? ''
                  : `until ${moment(key.expiresAt)}`,
            ]),
          ],
          6,
        ),
      );
    });
  withRemote(keys.command('revoke'))
    .description('end a key; the edge may take it for a minute more')
    .argument('<key>', 'its id')
    .action(async (id: string, options: Options) => {
      const client = await connect(context, options);
      await client.keys.revoke(id);
      answer(context, options, { revoked: id }, () => `Key ${id} is revoked.`);
    });
}
