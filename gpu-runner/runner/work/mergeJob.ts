import type { Bundle } from '../../bundle/bundle.ts';
import { CheckpointError } from '../../engine/checkpointError.ts';
import type { PlanReport } from '../../mtz/planReport.ts';
import { percent } from '../figures.ts';
import type { MergeCheckpoint, Merged, MergeModels } from '../mergeOptions.ts';
import type { JobResult } from '../runnerClient.ts';
import { bytesContent } from '../storage/content.ts';
import { decisively, HandBackError, JobError, type JobContext } from './job.ts';
import { jobCheckpoint } from './jobCheckpoint.ts';
import { fetchSources, readSources } from './readSources.ts';

/**
 * A merge: fetches what it needs, goes on where an attempt before it came to, and stores files, manifest and report. The
 * service publishes them with the completion.
 */
export async function mergeJob(
  context: JobContext,
  mergeModels: MergeModels,
  { checkpointPauseMs }: { readonly checkpointPauseMs?: number } = {},
): Promise<JobResult> {
  const { claim, signal, report } = context;
  const { job, inputs } = claim;
  if (job.kind !== 'merge' || inputs.kind !== 'merge')
    throw new JobError(`Cannot merge: the job is of kind ${job.kind}`, { retryable: false });

  const folders = await fetchSources(inputs.sources, context);

  const checkpoint = jobCheckpoint(
    context,
    checkpointPauseMs === undefined ? {} : { pauseMs: checkpointPauseMs },
  );
  const merged = await decisively(signal, async () => {
    report({ stage: 'read' });
    const { recipe } = job.request;
    const { sources, preprocessing, notes } = await readSources(inputs.sources, folders, recipe, context);
    const merge = (from: MergeCheckpoint): Promise<Merged> =>
      mergeModels({
        name: job.request.name,
        createdAt: new Date(job.createdAt),
        ...{ preprocessing, sources, recipe, notes },
        provider: context.provider,
        gramBytes: context.gramBytes,
        checkpoint: from,
        signal,
        onPlan: (plan) => report({ stage: 'planned', message: planWords(plan) }),
        onProgress(progress) {
          checkpoint.passed(progress);
          report(progress);
        },
      });
    return merge(checkpoint).catch(async (error: unknown) => {
      if (signal.reason instanceof HandBackError) await checkpoint.flush();
      // Written by another version of this program, say: nobody could ever go on from it.
      if (!claim.checkpoint || !(error instanceof CheckpointError)) throw error;
      context.log(`Begins anew: ${error.message}`);
      return merge({ save: (pieces) => checkpoint.save(pieces), load: () => Promise.resolve(undefined) });
    });
  });
  signal.throwIfAborted();

  const reportBytes = new TextEncoder().encode(JSON.stringify(merged.report));
  const stored = bytesContent(reportBytes, 'the report');
  await storeBundle(merged.bundle, context);
  await context.store.put(stored, { signal });
  return { bundle: merged.bundle.id, report: stored.sha256 };
}

/** How much of the separate networks is left, and what that is predicted to cost. */
function planWords({ plan, size, separate, prediction }: PlanReport): string {
  const left = (of: 'parameters' | 'macs'): string => percent(size[of] / Math.max(1, separate[of]));
  const loss = prediction === null ? '' : `; predicted loss ${prediction.lossOf(plan).toPrecision(3)}`;
  return `${left('parameters')} of the parameters, ${left('macs')} of the multiply-adds of the separate networks are left${loss}`;
}

/** Files first, so that the manifest never names what is not there. */
async function storeBundle({ manifest, manifestBytes, files }: Bundle, context: JobContext): Promise<void> {
  const { store, signal, report } = context;
  for (const [index, { path }] of manifest.files.entries()) {
    report({ stage: 'upload', message: `${path}, ${index + 1} of ${manifest.files.length} files` });
    const bytes = files.get(path);
    if (!bytes) throw new JobError(`Cannot store the bundle: ${path} is missing`, { retryable: false });
    await store.put(bytesContent(bytes, path), { signal });
  }
  await store.put(bytesContent(manifestBytes, 'the manifest'), { signal });
}
