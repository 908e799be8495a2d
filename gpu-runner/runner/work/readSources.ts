import { join } from 'node:path';
import { datasetDocument } from '../../../shared/dataset.ts';
import type { ResolvedVersion } from '../../../shared/jobs.ts';
import type { Manifest } from '../../../shared/manifest.ts';
import type { Recipe } from '../../../shared/recipe.ts';
import { modelDocument, type ModelDocument } from '../../../shared/registry.ts';
import { readModelFile } from '../../onnx/files.ts';
import type { MergeSource } from '../mergeOptions.ts';
import { openSources, type OpenedSources, type UnopenedSource } from '../openSources.ts';
import { nameDataMemory } from './dataMemory.ts';
import { fetchFiles } from './fetchFiles.ts';
import type { JobContext } from './job.ts';

/** A network and its data as a job names them. */
export interface GivenSource {
  readonly task: string;
  readonly model: ResolvedVersion;
  readonly data: ResolvedVersion;
}

/** Characters that progress may say. */
const longestMessage = 2000;

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

export interface JobSources extends Omit<OpenedSources, 'preprocessing'> {
  /** How inputs of the bundle are made; in words where the data do not say. */
  readonly preprocessing: Manifest['preprocessing'];
}

/** @throws {Error} naming the setting where data take more memory than this runner gives them; when a document or file is not what it should be, or networks and data do not fit each other */
export async function readSources(
  given: readonly GivenSource[],
  folders: readonly SourceFolders[],
  recipe: Pick<Recipe, 'inputChannels'>,
  { signal, log, report, dataBytes }: Pick<JobContext, 'signal' | 'log' | 'report' | 'dataBytes'>,
): Promise<JobSources> {
  const models: ModelDocument[] = [];
  const unopened: UnopenedSource[] = [];
  for (const [index, source] of given.entries()) {
    const folder = folders[index];
    const model = modelDocument.parse(source.model.document);
    models.push(model);
    const maxBytes = dataBytes === undefined ? {} : { maxBytes: dataBytes };
    if (folder) unopened.push({ ...readSource(source, model, folder), ...maxBytes });
    signal.throwIfAborted();
  }
  const opened = await openSources(unopened, recipe, () => signal.throwIfAborted()).catch(nameDataMemory);
  const sources = opened.sources.map((source, index) => withModelLabels(source, given[index], models[index]));
  for (const note of opened.notes) log(note);
  // At once: of several events of one stage that wait to be told, only the newest is.
  if (opened.notes.length > 0)
    report({ stage: 'read', message: opened.notes.join('; ').slice(0, longestMessage) });
  return { ...opened, sources, preprocessing: opened.preprocessing ?? inWords(given, models) };
}

function readSource(
  { task, model, data }: GivenSource,
  { files }: ModelDocument,
  folders: SourceFolders,
): UnopenedSource {
  const graphFile = files.find((file) => file.path.endsWith('.onnx'));
  if (!graphFile)
    throw new Error(`Cannot merge "${task}": ${model.name}@${model.version} has no *.onnx file`);
  return {
    ...{ task, graph: readModelFile(join(folders.model, graphFile.path)) },
    document: datasetDocument.parse(data.document),
    resolveFile: ({ path }) => Promise.resolve(join(folders.data, path)),
    model: {
      name: model.name,
      sha256: graphFile.sha256,
      sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    },
  };
}

/** @throws {Error} when the network was registered with another number of labels than its data have */
function withModelLabels(
  source: MergeSource,
  given: GivenSource | undefined,
  model: ModelDocument | undefined,
): MergeSource {
  const labels = model?.labels ?? [];
  if (labels.length === 0) return source;
  if (labels.length !== source.labels.length)
    throw new Error(
      `Cannot merge "${source.task}": ${given?.model.name ?? ''}@${given?.model.version ?? ''} has ${labels.length} labels, its data ${source.labels.length}`,
    );
  return { ...source, labels };
}

/** What the networks' documents say of their inputs, where no data do. */
function inWords(given: readonly GivenSource[], models: readonly ModelDocument[]): string {
  const all = models.map(({ preprocessing }) => preprocessing ?? 'none');
  const [first = 'none'] = all;
  if (all.every((one) => one === first)) return first;
  return given.map(({ task }, index) => `${task}: ${all[index] ?? 'none'}`).join('; ');
}
