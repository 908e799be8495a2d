import { joinSources, type Joined } from '../mtz/joinSources.ts';
import { extend } from '../mtz/extend.ts';
import { servingGraphs, taskGraph } from '../mtz/wiring.ts';
import { checkRecipe, sourcesOf, zipJoined, type Source, type ZipOptions, type Zipped } from '../mtz/zip.ts';
import { exportMerge } from './exportMerge.ts';
import { agreements, distanceOf, judgeAll } from './judgeMerge.ts';
import type { MergeModels, MergeOptions, MergeSource } from './mergeOptions.ts';
import { judgedAs, separately, toProgress } from './mergeProgress.ts';
import { reportMerge, withEnvironment } from './mergeReport.ts';
import { floorsTold } from './retrainingReport.ts';
import { storeParts } from './storeParts.ts';
import { timeMerge } from './timeMerge.ts';

/**
 * The whole way from networks and data to a bundle: judge the sources, zip, judge the result, cut it for serving, export
 * it and check the files against the trained network. Reads and writes nothing: files are the caller's.
 *
 * Same options and machine: same bundle, also when it was stopped in between and went on from a checkpoint.
 *
 * @throws {Error} when something does not fit or parity is not met; a StorageError when the merged network cannot be stored as
 * the recipe says; the signal's reason when it is aborted
 */
export const mergeModels: MergeModels = async (options) => {
  const { sources, recipe, provider, signal, onProgress, checkpoint } = options;
  const startedAt = performance.now();
  const enter = (stage: string): void => {
    signal?.throwIfAborted();
    onProgress?.({ stage });
  };

  // What does not fit is found before anything is computed.
  const given = sources.map(sourceOf);
  const { network, originals, notes } = joinSources(given, recipe);
  const ready = sourcesOf(given, { network, originals });
  checkRecipe(ready, recipe);
  enter('evaluate');
  const before = await judgeAll(ready, ({ graph }) => graph, options);
  if (before.size > 0) onProgress?.(separately(before));
  enter('zip');
  const zipped = await zipOrExtend(
    options,
    given,
    { network, originals, notes },
    {
      ...{ provider, gramBytes: options.gramBytes, predict: true },
      ...(options.onPlan && { onPlan: options.onPlan }),
      ...(signal && { signal }),
      ...(checkpoint && {
        checkpoint: { from: () => checkpoint.load(), save: (pieces) => checkpoint.save(pieces) },
      }),
      onProgress: (event) => onProgress?.(toProgress(event, sources)),
    },
  );
  enter('evaluate');
  const served = ready.map(({ validation = null, ...source }) => ({ ...source, validation }));
  const after = await judgeAll(served, ({ task }) => taskGraph(zipped.network, task), options);
  enter('export');
  const serving = servingGraphs(zipped.network);
  const stored = await storeParts(serving, served, recipe, {
    ...{ provider, signal, floors: floorsTold(recipe, before) },
    onProgress: (message) => onProgress?.({ stage: 'export', message }),
  });
  const parts = stored?.parts ?? serving;
  const agreement = await agreements(ready, parts, options);
  // It stands beside what was predicted.
  const distance = zipped.plan.prediction ? await distanceOf(ready, parts, options) : null;
  const report = reportMerge(options, { zipped, serving, before, after, agreement, stored, distance });
  onProgress?.(judgedAs(report));
  const bundle = await exportMerge(options, { zipped, serving, served, stored }, report);
  const seconds = (performance.now() - startedAt) / 1000;
  enter('time');
  const latencyMs = await timeMerge(
    sources.map(({ graph }) => graph),
    bundle,
    { provider, signal },
  );
  return { bundle, report: withEnvironment(report, provider, { seconds, latencyMs }) };
};

const sourceOf = ({ task, graph, train, validation, inputScale }: MergeSource): Source => ({
  ...{ task, graph, train },
  ...(validation && { validation }),
  ...(inputScale && { inputScale }),
});

function zipOrExtend(
  { recipe, before }: MergeOptions,
  sources: readonly Source[],
  joined: Omit<Joined, 'nets'>,
  options: ZipOptions,
): Promise<Zipped> {
  if (!before) return zipJoined(sources, joined, recipe, options);
  const all = [...sources];
  const added = all.pop();
  const given = all.map(({ task }) => task).join(', ');
  if (!added || given !== before.tasks.join(', '))
    throw new Error(
      `Cannot extend: the networks before the last are of ${given || 'no task'}, the bundle was merged from ${before.tasks.join(', ')}`,
    );
  return extend({ ...before, sources: all }, added, recipe, options);
}
