import type { EndpointView } from '../../../../../shared/api.ts';
import type { Manifest } from '../../../../../shared/manifest.ts';
import type { Agreement, Comparison, GroupReport, Report } from '../../../../../shared/report.ts';
import { formatBytes, formatCount, formatDuration, formatExact } from '../../ui/format.ts';

/** A figure of the separate networks together, and of the bundle. */
export interface ComparedRow {
  readonly label: string;
  readonly separate: string;
  readonly zipped: string;
  /** Bundle / separate; null where the separate networks have none of it. */
  readonly ratio: number | null;
}

const measures: readonly {
  key: keyof Report['figures'];
  label: string;
  format: (value: number) => string;
}[] = [
  { key: 'bytes', label: 'Bytes stored', format: formatBytes },
  { key: 'macs', label: 'Multiply-adds, all tasks on one input', format: formatCount },
  { key: 'parameters', label: 'Parameters', format: formatCount },
  { key: 'latencyMs', label: 'Latency of one input, all tasks', format: formatDuration },
  { key: 'heapBytes', label: 'ONNX Runtime heap', format: formatBytes },
  { key: 'iterations', label: 'Optimiser steps', format: formatExact },
];

/** What was measured or counted of a bundle against the separate networks: nothing where it is these networks. */
export function comparedRows({ figures }: Pick<Report, 'figures'>): ComparedRow[] {
  if (Object.values(figures).every((one) => one?.separate === one?.zipped)) return [];
  return measures.flatMap(({ key, label, format }) => {
    const one: Comparison | undefined = figures[key];
    if (one === undefined) return [];
    const ratio = one.separate > 0 ? one.zipped / one.separate : null;
    return [{ label, separate: format(one.separate), zipped: format(one.zipped), ratio }];
  });
}

export interface TaskRow {
  readonly task: string;
  readonly labels: readonly string[];
  /** Shares of held-out samples answered right, 0 to 1; null: nobody measured. */
  readonly accuracy: { readonly before: number; readonly after: number; readonly samples: number } | null;
  /** Share of answers that stayed those of its own network, where no labels say what is right; null: nobody measured. */
  readonly agreement: Agreement | null;
  /** Multiply-adds when only this task is asked. */
  readonly macs: number;
  readonly parameters: number;
}

/** What the manifest says of each task, trunk and head together, and the report of its answers. */
export const taskRows = (
  { heads, trunk }: Pick<Manifest, 'heads' | 'trunk'>,
  report: Pick<Report, 'tasks'> | null = null,
): TaskRow[] =>
  heads.map(({ task, labels, accuracy, macs, parameters }) => ({
    ...{ task, labels, accuracy },
    agreement: report?.tasks.find((one) => one.task === task)?.agreement ?? null,
    macs: macs + (trunk?.macs ?? 0),
    parameters,
  }));

/** Bytes of the bundle's graphs and weights, by what they are of. */
export function partBytes({ files, trunk, heads }: Pick<Manifest, 'files' | 'trunk' | 'heads'>): {
  readonly part: string;
  readonly sizeBytes: number;
}[] {
  const sizeOf = ({ graph, weights }: { graph: string; weights: string[] }): number =>
    files
      .filter(({ path }) => path === graph || weights.includes(path))
      .reduce((sum, file) => sum + file.sizeBytes, 0);
  return [
    ...(trunk ? [{ part: 'trunk', sizeBytes: sizeOf(trunk) }] : []),
    ...heads.map((head) => ({ part: `head ${head.task}`, sizeBytes: sizeOf(head) })),
  ];
}

/** What to draw: the report's plan, or what the manifest remembers of the sharing. */
export function planOf(manifest: Manifest, report: Report | null): GroupReport[] {
  if (report !== null && report.plan.length > 0) return report.plan;
  return manifest.sharing.map(({ layer, widths, channels, own, cost }): GroupReport => {
    const blocks = new Map<string, { tasks: string[]; channels: number }>();
    const add = (tasks: string[], count: number): void => {
      const key = tasks.join(' ');
      const block = blocks.get(key) ?? { tasks, channels: 0 };
      blocks.set(key, { ...block, channels: block.channels + count });
    };
    for (const channel of channels) add(Object.keys(channel), 1);
    for (const [task, kept] of Object.entries(own ?? {})) add([task], kept.length);
    return {
      name: layer,
      layers: [],
      widths,
      blocks: [...blocks.values()].filter((block) => block.channels > 0),
      cost,
    };
  });
}

/** One kind of mistake: samples of a class that were taken for another. */
export interface Mistake {
  readonly truth: string;
  readonly answer: string;
  readonly before: number | null;
  readonly after: number;
}

/** The mistakes that are made most often, by the bundle. */
export function commonMistakes(
  after: readonly (readonly number[])[],
  before: readonly (readonly number[])[] | undefined,
  labels: readonly string[],
  limit: number,
): Mistake[] {
  const nameOf = (index: number): string => labels[index] ?? String(index);
  return after
    .flatMap((row, truth) =>
      row.flatMap((count, answer) =>
        truth === answer || count === 0
          ? []
          : [
              {
                truth: nameOf(truth),
                answer: nameOf(answer),
                before: before?.[truth]?.[answer] ?? null,
                after: count,
              },
            ],
      ),
    )
    .toSorted((a, b) => b.after - a.after)
    .slice(0, limit);
}

export interface Serving {
  readonly endpoint: EndpointView;
  /** Tasks it answers from this bundle. */
  readonly tasks: readonly string[];
}

/** Where a bundle is served now. */
export const servedBy = (endpoints: readonly EndpointView[], bundle: string): Serving[] =>
  endpoints.flatMap((endpoint) => {
    const tasks = Object.entries(endpoint.tasks).flatMap(([task, id]) => (id === bundle ? [task] : []));
    return tasks.length === 0 ? [] : [{ endpoint, tasks }];
  });

/** A file or row of a task's data that was left out. */
export interface LeftOutRow {
  readonly task: string;
  readonly path: string;
  readonly reason: string;
}

/** What of the data could not be read, as far as the report names it. */
export const leftOutRows = ({ tasks }: Pick<Report, 'tasks'>): LeftOutRow[] =>
  tasks.flatMap(({ task, leftOut }) => (leftOut?.first ?? []).map((one) => ({ task, ...one })));
