import type { DatasetDocument } from '../../shared/dataset.ts';
import type { Preprocessing } from '../../shared/preprocessing.ts';
import type { Recipe } from '../../shared/recipe.ts';
import { openDataset, type ResolveFile } from '../data/openDataset.ts';
import { isLabelled } from '../engine/dataset.ts';
import type { Problem } from '../data/samples.ts';
import { checkUnits, commonInput, type RawUnits } from './commonInput.ts';
import type { MergeSource } from './mergeOptions.ts';

/** A network that was read and data that were not yet. */
export interface UnopenedSource extends Pick<MergeSource, 'task' | 'graph' | 'model'> {
  readonly document: DatasetDocument;
  readonly resolveFile: ResolveFile;
  /** What its data may take in memory, where it is not as much as `openDataset` allows. */
  readonly maxBytes?: number;
}

export interface OpenedSources {
  readonly sources: readonly MergeSource[];
  /** What all data were read with; null where nobody declares any. */
  readonly preprocessing: Preprocessing | null;
  /** What was done about inputs that differ, and what was left out of the data, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Reads the data of networks that are to be merged, all with one preprocessing, for the one input that they will have.
 *
 * @throws {Error} when there can be no such input, or data cannot be read
 */
export async function openSources(
  given: readonly UnopenedSource[],
  { inputChannels }: Pick<Recipe, 'inputChannels'>,
  onReading?: (task: string) => void,
): Promise<OpenedSources> {
  const declared = given.map(({ task, document }) => ({
    ...{ task, preprocessing: document.preprocessing, how: inputChannels?.[task] },
  }));
  const { preprocessing, scales, notes } = commonInput(declared);
  const sources: MergeSource[] = [];
  const units: RawUnits[] = [];
  const told: string[] = [];
  for (const [index, { document, resolveFile, maxBytes, ...source }] of given.entries()) {
    onReading?.(source.task);
    // Arrays without preprocessing are what the network reads already.
    const read = { ...document, preprocessing: document.preprocessing && preprocessing };
    const { train, validation, labels, problems, bytes } = await openDataset(read, resolveFile, {
      ...(maxBytes !== undefined && { maxBytes }),
    });
    const inputScale = scales[index];
    units.push({ task: source.task, preprocessing: document.preprocessing, bytes });
    told.push(...leftOutOf(source.task, problems));
    if (!isLabelled(train)) told.push(withoutLabels(source.task));
    sources.push({
      ...{ ...source, labels, train, validation, leftOut: problems },
      ...(inputScale && { inputScale }),
    });
  }
  checkUnits(units);
  return { sources, preprocessing, notes: [...notes, ...told] };
}

const withoutLabels = (task: string): string =>
  `The data of "${task}" have no labels: it learns from its own network's answers, and no accuracy is measured or held to a floor but how often the answers stay`;

/** Named in a sentence; all of them are in the report for programs. */
const mostNamed = 3;

const leftOutOf = (task: string, problems: readonly Problem[]): string[] =>
  problems.length === 0
    ? []
    : [
        `${problems.length} of the data of "${task}" left out${problems.length > mostNamed ? ', the first' : ''}: ${problems
          .slice(0, mostNamed)
          .map(({ path, reason }) => `${path}: ${reason}`)
          .join('; ')}`,
      ];
