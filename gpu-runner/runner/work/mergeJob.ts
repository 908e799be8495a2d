import { join } from 'node:path';
import { datasetDocument, type DatasetDocument } from '../../../shared/dataset.ts';
import type { ResolvedVersion } from '../../../shared/jobs.ts';
import type { Manifest } from '../../../shared/manifest.ts';
import { describePreprocessing } from '../../../shared/preprocessing.ts';
import { modelDocument, type ModelDocument } from '../../../shared/registry.ts';
import type { Bundle } from '../../bundle/bundle.ts';
import { openDataset } from '../../data/openDataset.ts';
import { readModelFile } from '../../onnx/files.ts';
import type { MergeCheckpoint, Merged, MergeModels, MergeSource } from '../mergeModels.ts';
import type { JobResult } from '../runnerClient.ts';
import { bytesContent } from '../storage/content.ts';
import { fetchFiles } from './fetchFiles.ts';
import { decisively, HandBackError, JobError, type JobContext } from './job.ts';
import { jobCheckpoint } from './jobCheckpoint.ts';

interface GivenSource {
  readonly task: string;
  readonly model: ResolvedVersion;
  readonly data: ResolvedVersion;
}

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

  const folders: { model: string; data: string }[] = [];
  for (const [index, { model, data }] of inputs.sources.entries())
    folders.push({
      model: await fetchFiles(model, `model-${index}`, context),
      data: await fetchFiles(data, `data-${index}`, context),
    });

  const checkpoint = jobCheckpoint(
    context,
    checkpointPauseMs === undefined ? {} : { pauseMs: checkpointPauseMs },
  );
  const merged = await decisively(signal, async () => {
    report({ stage: 'read' });
    const documents = inputs.sources.map(({ model, data }) => ({
      model: modelDocument.parse(model.document),
      data: datasetDocument.parse(data.document),
    }));
    const sources: MergeSource[] = [];
    for (const [index, source] of inputs.sources.entries()) {
      const [document, folder] = [documents[index], folders[index]];
      if (document && folder) sources.push(await readSource(source, document, folder));
      signal.throwIfAborted();
    }
    const merge = (from: MergeCheckpoint): Promise<Merged> =>
      mergeModels({
        name: job.request.name,
        createdAt: new Date(job.createdAt),
        preprocessing: commonPreprocessing(inputs.sources, documents),
        sources,
        recipe: job.request.recipe,
        provider: context.provider,
        checkpoint: from,
        signal,
        onProgress(progress) {
          checkpoint.passed(progress);
          report(progress);
        },
      });
    return merge(checkpoint).catch(async (error: unknown) => {
      if (signal.reason instanceof HandBackError) await checkpoint.flush();
      // Written by another version of this program: nobody could ever go on from it.
      if (!claim.checkpoint || !(error instanceof Error) || !error.message.startsWith('Cannot resume'))
        throw error;
      context.log(`Begins anew: ${error.message}`);
      return merge({ save: (bytes) => checkpoint.save(bytes), load: () => Promise.resolve(undefined) });
    });
  });
  signal.throwIfAborted();

  const reportBytes = new TextEncoder().encode(JSON.stringify(merged.report));
  const stored = bytesContent(reportBytes, 'the report');
  await storeBundle(merged.bundle, context);
  await context.store.put(stored, { signal });
  return { bundle: merged.bundle.id, report: stored.sha256 };
}

async function readSource(
  { task, model }: GivenSource,
  documents: { readonly model: ModelDocument; readonly data: DatasetDocument },
  folders: { readonly model: string; readonly data: string },
): Promise<MergeSource> {
  const graphFile = documents.model.files.find((file) => file.path.endsWith('.onnx'));
  if (!graphFile)
    throw new Error(`Cannot merge "${task}": ${model.name}@${model.version} has no *.onnx file`);
  const graph = readModelFile(join(folders.model, graphFile.path));
  const { train, validation, labels } = await openDataset(documents.data, ({ path }) =>
    Promise.resolve(join(folders.data, path)),
  );
  if (documents.model.labels.length > 0 && documents.model.labels.length !== labels.length)
    throw new Error(
      `Cannot merge "${task}": ${model.name}@${model.version} has ${documents.model.labels.length} labels, its data ${labels.length}`,
    );
  return {
    ...{ task, graph, train, validation },
    labels: documents.model.labels.length > 0 ? documents.model.labels : labels,
    model: {
      name: model.name,
      sha256: graphFile.sha256,
      sizeBytes: documents.model.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    },
  };
}

/** One for all tasks, as data if it is one; otherwise what each task's is, in words. */
function commonPreprocessing(
  sources: readonly GivenSource[],
  documents: readonly { readonly model: ModelDocument; readonly data: DatasetDocument }[],
): Manifest['preprocessing'] {
  const all = documents.map(({ model, data }) => data.preprocessing ?? model.preprocessing ?? 'none');
  const [first = 'none'] = all;
  if (all.every((one) => JSON.stringify(one) === JSON.stringify(first))) return first;
  return sources
    .map(({ task }, index) => {
      const one = all[index] ?? 'none';
      return `${task}: ${typeof one === 'string' ? one : describePreprocessing(one)}`;
    })
    .join('; ');
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
