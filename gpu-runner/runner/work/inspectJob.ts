import { join } from 'node:path';
import { datasetDocument } from '../../../shared/dataset.ts';
import type { DatasetInspection, Inspection, ModelInspection } from '../../../shared/inspection.ts';
import type { ResolvedVersion } from '../../../shared/jobs.ts';
import { modelDocument } from '../../../shared/registry.ts';
import { describeDataset } from '../../data/describeDataset.ts';
import { previewSheet } from '../../data/previewSheet.ts';
import { readModelFile } from '../../onnx/files.ts';
import type { JobResult } from '../runnerClient.ts';
import { isTooLarge, nameDataMemory } from './dataMemory.ts';
import { fetchFiles } from './fetchFiles.ts';
import { inspectModel, unreadableModel } from './inspectModel.ts';
import { JobError, type JobContext } from './job.ts';

/**
 * Reads a registered version and says what is in it. A version that cannot be read is a finding too, with the reason as
 * its problem: only trouble on the way, and data too large for this runner, are a failure.
 */
export async function inspectJob(context: JobContext): Promise<JobResult> {
  const { inputs } = context.claim;
  if (inputs.kind !== 'inspect')
    throw new JobError(`Cannot inspect: the job's inputs are of kind ${inputs.kind}`, { retryable: false });
  const { version } = inputs;
  const folder = await fetchFiles(version, 'subject', context);
  context.report({ stage: 'inspect' });
  const inspection: Inspection =
    inputs.of === 'models'
      ? inspectModelIn(folder, version)
      : await inspectDatasetIn(folder, version, context);
  return { inspection };
}

function inspectModelIn(folder: string, { document }: ResolvedVersion): ModelInspection {
  try {
    const { files, labels } = modelDocument.parse(document);
    const path = files.find((file) => file.path.endsWith('.onnx'))?.path ?? '';
    return inspectModel(readModelFile(join(folder, path)), labels);
  } catch (error) {
    return unreadableModel(withoutFolder(error, folder));
  }
}

async function inspectDatasetIn(
  folder: string,
  { document }: ResolvedVersion,
  { signal, dataBytes }: JobContext,
): Promise<DatasetInspection> {
  const parsed = datasetDocument.safeParse(document);
  const labels = parsed.data?.labels ?? [];
  try {
    const checked = datasetDocument.parse(document);
    const described = await describeDataset(checked, ({ path }) => Promise.resolve(join(folder, path)), {
      ...(dataBytes !== undefined && { maxBytes: dataBytes }),
    });
    const preview = await previewSheet(described.preview);
    return { ...described.inspection, ...(preview !== null && { preview }) };
  } catch (error) {
    signal.throwIfAborted();
    // Nothing is wrong with the data: this runner has too little memory for them, and a finding would stand for good.
    if (isTooLarge(error)) nameDataMemory(new Error(withoutFolder(error, folder), { cause: error }));
    return {
      format: 'trunkline.inspection/1',
      kind: 'dataset',
      samples: 0,
      sampleDims: [],
      classes: labels.length,
      labelCounts: labels.map(() => 0),
      badFiles: [],
      problems: [withoutFolder(error, folder)],
    };
  }
}

/** Sentences are for people elsewhere: where the file lay on this machine says nothing to them. */
const withoutFolder = (error: unknown, folder: string): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(`${folder}/`, '').slice(0, 2000);
