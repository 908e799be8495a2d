import type { Command } from 'commander';
import type { TrunklineClient } from '../../../client/client.ts';
import type { EndpointDetail } from '../../../shared/api.ts';
import type { Inspection } from '../../../shared/inspection.ts';
import {
  kinds,
  type ItemView,
  type Kind,
  type LineageLink,
  type LineageView,
  type VersionView,
} from '../../../shared/registry.ts';
import type { TrafficFigures } from '../../../shared/traffic.ts';
import { textTable } from '../../runner/textTable.ts';
import type { RemoteOptions } from '../config.ts';
import type { CommandContext } from '../context.ts';
import { bytes, listed, moment } from '../figures.ts';
import { inspectionLines } from '../inspectionLines.ts';
import { jobLines } from '../jobLines.ts';
import { answer, connect, withRemote, type JsonOption } from '../options.ts';
import { isItemKind, kindArgument, reference } from '../references.ts';

const shownKinds = [...kinds, 'endpoints', 'jobs'] as const;
type ShownKind = (typeof shownKinds)[number];

/** All about one thing. */
export function addShow(program: Command, context: CommandContext): void {
  withRemote(program.command('show'))
    .description('all about one model, data set, bundle, endpoint or job')
    .addArgument(kindArgument('<kind>', shownKinds))
    .argument('<name>', 'name, name@3 or name@alias; the id of a job')
    .action(async (kind: ShownKind, text: string, options: RemoteOptions & JsonOption) => {
      const client = await connect(context, options);
      if (isItemKind(kind)) answer(context, options, await lookUp(client, kind, text), itemLines);
      else if (kind === 'endpoints') {
        const [endpoint, { total }] = await Promise.all([
          client.endpoints.get(text),
          client.endpoints.traffic(text),
        ]);
        answer(context, options, { ...endpoint, lastDay: total }, endpointLines);
      } else answer(context, options, await client.jobs.get(text), jobLines);
    });
}

interface Found {
  readonly item: ItemView;
  readonly version: VersionView;
  readonly lineage: LineageView;
  readonly inspection: { readonly at: string; readonly document: Inspection } | null;
}

async function lookUp(client: TrunklineClient, kind: Kind, text: string): Promise<Found> {
  const { name, ref } = reference(text);
  const registry = client[kind];
  const [item, version] = await Promise.all([registry.get(name), registry.version(name, ref)]);
  const [lineage, inspection] = await Promise.all([
    registry.lineage(name, version.version),
    kind === 'bundles' ? null : registry.inspection(name, version.version),
  ]);
  return { item, version, lineage, inspection };
}

function itemLines({ item, version, lineage, inspection }: Found): string[] {
  const { document } = version;
  const facts: [string, string][] = [
    ['digest', version.digest],
    ['size', bytes(version.sizeBytes)],
    ['created', `${moment(version.createdAt)} by ${version.createdBy}`],
  ];
  if (version.aliases.length > 0) facts.push(['aliases', version.aliases.join(', ')]);
  if ('task' in document && document.task !== undefined) facts.push(['task', document.task]);
  if ('labels' in document && document.labels.length > 0) facts.push(['labels', listed(document.labels)]);
  if ('files' in document) facts.push(['files', listed(document.files.map(({ path }) => path))]);
  const tags = Object.entries(item.tags).map(([tag, value]) => (value === '' ? tag : `${tag}=${value}`));
  if (tags.length > 0) facts.push(['tags', tags.join(', ')]);
  facts.push([
    'versions',
    `${item.versions}, the newest is ${item.latest === null ? 'deleted' : `@${item.latest}`}`,
  ]);
  return [
    `${version.kind} ${version.name}@${version.version}`,
    ...facts.map(([what, is]) => `  ${what.padEnd(10)} ${is}`),
    ...links('Made from', lineage.parents),
    ...lineage.unregistered.map(
      ({ task, name, sha256 }) => `  ${name} (${sha256.slice(0, 12)}), ${task}; not registered here`,
    ),
    ...links('Made into', lineage.children),
    ...(inspection ? ['', ...inspectionLines(inspection.document)] : []),
    ...(item.card === '' ? [] : ['', item.card]),
  ];
}

const links = (title: string, all: readonly LineageLink[]): string[] =>
  all.length === 0
    ? []
    : [
        '',
        title,
        ...all.map(
          ({ kind, name, version, task }) =>
            `  ${kind} ${name}@${version}${task === null ? '' : `, ${task}`}`,
        ),
      ];

function endpointLines({
  name,
  revision,
  tasks,
  createdAt,
  createdBy,
  publishedAt,
  history,
  lastDay,
}: EndpointDetail & { lastDay: TrafficFigures }): string[] {
  return [
    `endpoint ${name}, revision ${revision}, since ${moment(createdAt)} by ${createdBy}`,
    ...(publishedAt === null ? ['  The edge was not told yet.'] : []),
    ...Object.entries(tasks).map(([task, bundle]) => `  ${task.padEnd(20)} bundle ${bundle}`),
    `  Last 24 hours: ${trafficText(lastDay)}`,
    '',
    ...textTable(
      [
        ['revision', 'since', 'by', 'tasks and their bundles'],
        ...history.map((one) => [
          String(one.revision),
          moment(one.createdAt),
          one.createdBy,
          Object.entries(one.tasks)
            .map(([task, bundle]) => `${task}=${bundle.slice(0, 12)}`)
            .join(' '),
        ]),
      ],
      4,
    ),
  ];
}

function trafficText({ requests, errors, latencyMs }: TrafficFigures): string {
  if (requests === 0) return 'no requests';
  const refused = Object.entries(errors).map(([code, count]) => `, ${count} ${code}`);
  const latency = Object.entries(latencyMs ?? {}).map(
    ([quantile, ms]) => `, ${quantile} ${ms.toFixed(1)} ms`,
  );
  return `${requests} requests${refused.join('')}${latency.join('')}`;
}
