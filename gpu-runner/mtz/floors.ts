import type { Recipe } from '../../shared/recipe.ts';
import { isLabelled } from '../engine/dataset.ts';
import { accuracyOf } from './evaluate.ts';
import type { Network } from './network.ts';
import type { Source } from './source.ts';
import { taskGraph } from './wiring.ts';
import type { ZipOptions } from './zipOptions.ts';

/** The accuracy (0 to 1) on validation samples that each task must keep. A task without a floor is not here. */
export type AccuracyFloors = Readonly<Record<string, number>>;

/** Accuracies are ratios of whole numbers: what is less apart than this is the rounding of a drop. */
const rounding = 1e-9;

/**
 * The floors that a recipe sets: as it says, or so much less than the task's own network has. A task whose samples have no
 * labels has none.
 *
 * @param untouched the networks before anything is shared: what a zip comes to at worst
 * @throws {Error} when a task's own network lies below its floor, which nothing shared could hold then.
 */
export async function floorsOf(
  untouched: Network,
  sources: readonly Source[],
  floors: Recipe['floors'],
  { provider, signal }: Pick<ZipOptions, 'provider' | 'signal'>,
): Promise<AccuracyFloors> {
  const found: Record<string, number> = {};
  for (const { task, validation } of sources) {
    const given = floors?.accuracy?.[task];
    const { maxDrop } = floors ?? {};
    if (!validation || !isLabelled(validation) || (given === undefined && maxDrop === undefined)) continue;
    const graph = taskGraph(untouched, task);
    const alone = await accuracyOf(graph, validation, { provider, ...(signal && { signal }) });
    const floor = given ?? alone - (maxDrop ?? 0);
    if (alone < floor - rounding)
      throw new Error(
        `Cannot hold the floor ${percent(floor)} of "${task}": its own network has ${percent(alone)}; lower the floor, or say by "maxDrop" how much less it may have`,
      );
    found[task] = floor;
  }
  return found;
}

const percent = (share: number): string => `${Number((100 * share).toFixed(2))} %`;

/** The floors that accuracies lie below. */
export const brokenFloors = (
  accuracy: Readonly<Record<string, number>>,
  floors: AccuracyFloors,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(floors).filter(([task, floor]) => (accuracy[task] ?? 1) < floor - rounding),
  );
