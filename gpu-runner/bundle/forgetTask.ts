/** What a bundle's papers say once one of its tasks is taken out. */
import type { SharingRecord } from '../../shared/manifest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import type { QuantisationReport, Report } from '../../shared/report.ts';
import type { Graph } from '../onnx/graph.ts';
import { checkReport } from './report/reportFiles.ts';

type ByTask<T> = Readonly<Record<string, T>>;

const without = <T>(values: ByTask<T>, task: string): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== task));

/** An object without some of its properties. */
export const omit = <T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Omit<T, K> =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;

/** The recipe for the tasks that are left. */
export function forgetInRecipe(recipe: Recipe, task: string): Recipe {
  const { floors, inputChannels, mergeWeights, retraining, ...rest } = recipe;
  const { batchSizes, lossWeights, augmentation, ...trained } = retraining;
  return {
    ...rest,
    ...(inputChannels && { inputChannels: without(inputChannels, task) }),
    ...(mergeWeights && { mergeWeights: without(mergeWeights, task) }),
    ...(floors && {
      floors: { ...floors, ...(floors.accuracy && { accuracy: without(floors.accuracy, task) }) },
    }),
    retraining: {
      ...trained,
      ...(batchSizes && { batchSizes: without(batchSizes, task) }),
      ...(lossWeights && { lossWeights: without(lossWeights, task) }),
      ...(augmentation && { augmentation: without(augmentation, task) }),
    },
  };
}

/** The record among the tasks that are left. Channels that one of them has alone now are its own, after those it had. */
export function forgetInSharing(sharing: readonly SharingRecord[], task: string): SharingRecord[] {
  const left = new Set(sharing.flatMap(({ widths }) => Object.keys(without(widths, task))));
  return sharing.flatMap((record): SharingRecord[] => {
    const sources = record.channels.map((channel) => without(channel, task));
    const channels = sources.filter((source) => Object.keys(source).length > 1);
    // That a task which is left has none of a layer tells what the others have in common without it.
    const isLacking = [...left].some((other) => record.widths[other] === undefined);
    const widths = without(record.widths, task);
    if (channels.length === 0 && (!isLacking || Object.keys(widths).length === 0)) return [];
    const own = record.own && without(record.own, task);
    for (const source of sources) {
      const [only, ...others] = Object.entries(source);
      if (own && only && others.length === 0) own[only[0]] = [...(own[only[0]] ?? []), only[1]];
    }
    return [{ ...record, widths, channels, ...(own && { own }) }];
  });
}

/** What is known of the bundle that is left. */
export interface RestFacts {
  readonly name: string;
  readonly createdAt: string;
  readonly recipe: Recipe | null;
  /** Id of the bundle that the task was taken out of. */
  readonly from: string;
  /** Multiply-adds of one sample. */
  readonly trunkMacs: number;
  readonly headMacs: ByTask<number>;
}

/**
 * The report on the tasks that are left. What was only known of all tasks together is left out, sentences that name the one
 * that is gone among it; what it caused is still told, as a task's that was taken out.
 */
export function forgetInReport(
  report: Report,
  task: string,
  { name, createdAt, recipe, from, trunkMacs, headMacs }: RestFacts,
): Report {
  const { quantisation, retraining } = report;
  const tasks = report.tasks
    .filter((one) => one.task !== task)
    .map(({ macs, ...one }) => ({
      ...one,
      ...(macs && { macs: { ...macs, zipped: trunkMacs + (headMacs[one.task] ?? 0) } }),
    }));
  const separate = tasks.reduce((sum, { macs }) => sum + (macs?.separate ?? NaN), 0);
  const zipped = Object.values(headMacs).reduce((sum, macs) => sum + macs, trunkMacs);
  return checkReport({
    ...omit(report, 'figures', 'tradeoff', 'recipe'),
    ...{ name, createdAt, tasks },
    ...(recipe && { recipe }),
    plan: report.plan.map((group) => ({
      ...omit(group, 'bytes', 'macs', 'cost'),
      widths: without(group.widths, task),
      blocks: group.blocks
        .map((block) => ({ ...block, tasks: block.tasks.filter((one) => one !== task) }))
        .filter((block) => block.tasks.length > 0),
    })),
    ...(!Number.isNaN(separate) && { figures: { macs: { separate, zipped } } }),
    ...(retraining && {
      retraining: {
        ...retraining,
        history: retraining.history.map((one) => ({ ...one, losses: without(one.losses, task) })),
        validation: retraining.validation.map((one) => ({ ...one, accuracy: without(one.accuracy, task) })),
        ...(retraining.validationLosses && {
          validationLosses: retraining.validationLosses.map((one) => ({
            ...one,
            losses: without(one.losses, task),
          })),
        }),
        floors: without(retraining.floors, task),
        events: retraining.events.map((event) => ({ ...event, message: nameless(event.message, task) })),
      },
    }),
    ...(quantisation && { quantisation: forgetInQuantisation(quantisation, task) }),
    unzipped: report.unzipped.filter((one) => one.task !== task),
    notes: [...report.notes.filter((note) => !note.includes(`"${task}"`)), takenOut(task, from)],
  });
}

/** The note on a task that is gone. @param from id of the bundle that it was in */
export const takenOut = (task: string, from: string): string =>
  `"${task}" was taken out of bundle ${from.slice(0, 12)}: costs and retraining are those of the merge it took part in.`;

/** What became of a task that fell below its floor, without its name. */
const nameless = (message: string, task: string): string =>
  message.replaceAll(
    new RegExp(`(?<=[:,] )${escaped(task)} fell to `, 'g'),
    'a task that was taken out fell to ',
  );

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

function forgetInQuantisation(quantisation: QuantisationReport, task: string) {
  const { excluded, error, accuracy } = quantisation;
  return {
    ...omit(quantisation, 'bytes'),
    excluded: excluded.filter(({ part }) => part !== task),
    error: without(error, task),
    accuracy: without(accuracy, task),
  };
}

/**
 * Weights of the tasks that are left under the names that they have without the one that is not: what `extend` looks for.
 * A name that another tensor has already is kept.
 *
 * @param tasks all of the bundle's, in its order: a set of them is named "digit+fashion+letter"
 */
export function forgetLabels(graph: Graph, tasks: readonly string[], task: string): void {
  const position = tasks.indexOf(task);
  if (position < 0) return;
  const after = new RegExp(String.raw`\+${escaped(task)}(?=[.+])`, 'g');
  const before = new RegExp(String.raw`(^|[.+])${escaped(task)}\+`, 'g');
  const edges = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  for (const [name, tensor] of [...graph.initializers]) {
    const next = name.replace(after, '').replace(before, '$1');
    if (next === name || edges.has(name) || graph.values().has(next)) continue;
    graph.initializers.delete(name);
    graph.initializers.set(next, tensor);
    graph.replaceUses(name, next);
  }
}
