import { join } from 'node:path';
import { datasetDocument, type DatasetDocument } from '../../../shared/dataset.ts';
import type { ResolvedVersion } from '../../../shared/jobs.ts';
import { modelDocument, type ModelDocument } from '../../../shared/registry.ts';
import { openDataset } from '../../data/openDataset.ts';
import { readModelFile } from '../../onnx/files.ts';
import type { MergeSource } from '../mergeModels.ts';
import { fetchFiles } from './fetchFiles.ts';
import type { JobContext } from './job.ts';

/** A network and its data as a job names them. */
export interface GivenSource {
  readonly task: string;
  readonly model: ResolvedVersion;
  readonly data: ResolvedVersion;
}

export interface SourceDocuments {
  readonly model: ModelDocument;
  readonly data: DatasetDocument;
}

/** Where the files of a source lie. */
export interface SourceFolders {
  readonly model: string;
  readonly data: string;
}

/** Brings the files of all sources here, a folder each. */
export async function fetchSources(
  sources: readonly GivenSource[],
  context: JobContext,
): Promise<SourceFolders[]> {
  const folders: SourceFolders[] = [];
  for (const [index, { model, data }] of sources.entries())
    folders.push({
      model: await fetchFiles(model, `model-${index}`, context),
      data: await fetchFiles(data, `data-${index}`, context),
    });
  return folders;
}

/** @throws {Error} when a document or file is not what it should be, or networks and data have other labels */
export async function readSources(
  given: readonly GivenSource[],
  folders: readonly SourceFolders[],
  signal: AbortSignal,
): Promise<{ sources: MergeSource[]; documents: SourceDocuments[] }> {
  const documents = given.map(({ model, data }) => ({
    model: modelDocument.parse(model.document),
    data: datasetDocument.parse(data.document),
  }));
  const sources: MergeSource[] = [];
  for (const [index, source] of given.entries()) {
    const [document, folder] = [documents[index], folders[index]];
    if (document && folder) sources.push(await readSource(source, document, folder));
    signal.throwIfAborted();
  }
  return { sources, documents };
}

async function readSource(
  { task, model }: GivenSource,
  documents: SourceDocuments,
  folders: SourceFolders,
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
