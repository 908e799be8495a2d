import type { Command } from 'commander';
import type { TrunklineClient } from '../../../client/client.ts';
import { collect } from '../../../client/pages.ts';
import type { EndpointView } from '../../../shared/api.ts';
import { kinds, type ItemList, type Kind } from '../../../shared/registry.ts';
import { textTable } from '../../runner/textTable.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../context.ts';
import { bytes, moment } from '../figures.ts';
import { answer, connect, withRemote, type JsonOption } from '../options.ts';
import { isItemKind, kindArgument, reference } from '../references.ts';
import type { RemoteOptions } from '../config.ts';

type Item = ItemList['items'][number];
type Options = RemoteOptions & JsonOption;

const listedKinds = [...kinds, 'endpoints'] as const;

/** What there is. */
export function addList(program: Command, context: CommandContext): void {
  withRemote(program.command('ls'))
    .description('list models, data sets, bundles and endpoints; with a name, its versions')
    .addArgument(kindArgument('[kind]', listedKinds))
    .argument('[name]', 'whose versions to list')
    .option('-q, --query <text>', 'only names and tags that contain it')
    .action(
      async (
        kind: (typeof listedKinds)[number] | undefined,
        name: string | undefined,
        options: Options & { query?: string },
      ) => {
        const client = await connect(context, options);
        if (name !== undefined) {
          if (kind === undefined || !isItemKind(kind))
            throw new UsageError('Only models, datasets and bundles have versions');
          await listVersions(context, client, kind, name, options);
          return;
        }
        const wanted = kind === undefined ? kinds : isItemKind(kind) ? [kind] : [];
        const items: Item[] = [];
        for (const one of wanted) items.push(...(await collect(client[one].list(options.query))));
        const endpoints =
          kind === undefined || kind === 'endpoints'
            ? (await collect(client.endpoints.list())).filter(
                (one) => options.query === undefined || one.name.includes(options.query),
              )
            : [];
        answer(context, options, { items, endpoints }, (found) => listing(found, kind));
      },
    );
}

function listing(
  { items, endpoints }: { items: readonly Item[]; endpoints: readonly EndpointView[] },
  kind: string | undefined,
): string[] {
  const lines: string[] = [];
  if (items.length > 0) {
    const rows = items.map((item) => [
      item.kind,
      item.name,
      item.latest === null ? '-' : `@${item.latest}`,
      Object.entries(item.aliases)
        .map(([alias, version]) => `${alias}=${version}`)
        .join(' '),
      Object.entries(item.tags)
        .map(([tag, value]) => (value === '' ? tag : `${tag}=${value}`))
        .join(' '),
      moment(item.changedAt),
    ]);
    lines.push(...textTable([['kind', 'name', 'latest', 'aliases', 'tags', 'changed'], ...rows], 5));
  }
  if (endpoints.length > 0) {
    if (lines.length > 0) lines.push('');
    const rows = endpoints.map(({ name, revision, tasks, createdAt }) => [
      name,
      String(revision),
      Object.entries(tasks)
        .map(([task, bundle]) => `${task}=${bundle.slice(0, 12)}`)
        .join(' '),
      moment(createdAt),
    ]);
    lines.push(...textTable([['endpoint', 'revision', 'tasks and their bundles', 'changed'], ...rows], 3));
  }
  if (lines.length === 0)
    lines.push(`There are no ${kind ?? 'models, data sets, bundles or endpoints'} here yet.`);
  return lines;
}

async function listVersions(
  context: CommandContext,
  client: TrunklineClient,
  kind: Kind,
  name: string,
  options: Options,
): Promise<void> {
  const versions = await collect(client[kind].versions(name));
  answer(context, options, { versions }, () =>
    textTable(
      [
        ['version', 'aliases', 'digest', 'by', 'created', 'size'],
        ...versions.map((one) => [
          `${one.name}@${one.version}`,
          one.aliases.join(' '),
          one.digest.slice(0, 12),
          one.createdBy,
          moment(one.createdAt),
          bytes(one.sizeBytes),
        ]),
      ],
      5,
    ),
  );
}

interface AliasOptions extends Options {
  readonly remove?: boolean;
  readonly history?: boolean;
}

/** A name for a version that can move. */
export function addAlias(program: Command, context: CommandContext): void {
  withRemote(program.command('alias'))
    .description('point an alias at a version, remove it, or show where it pointed')
    .addArgument(kindArgument('<kind>', kinds))
    .argument('<name>', 'name, or name@3: the version')
    .argument('<alias>', 'e.g. champion')
    .option('--remove', 'the alias, not the version')
    .option('--history', 'where it pointed, newest first')
    .action(async (kind: Kind, text: string, alias: string, options: AliasOptions) => {
      const client = await connect(context, options);
      const registry = client[kind];
      const { name, ref } = reference(text);
      if (options.history) {
        const history = await collect(registry.aliasHistory(name, alias));
        const rows = history.map(({ version, changedAt, changedBy }) => [
          version === null ? 'removed' : `${name}@${version}`,
          moment(changedAt),
          changedBy,
        ]);
        answer(context, options, { history }, () => textTable([['pointed at', 'since', 'by'], ...rows], 3));
        return;
      }
      if (options.remove) {
        await registry.removeAlias(name, alias);
        answer(context, options, { name, alias, version: null }, () => `${name}@${alias} is no more.`);
        return;
      }
      const { version } = await registry.version(name, ref);
      await registry.setAlias(name, alias, version);
      answer(context, options, { name, alias, version }, () => `${name}@${alias} is ${name}@${version} now.`);
    });
}
