import type { Recipe } from '../../shared/recipe.ts';
import { isLabelled } from '../engine/dataset.ts';
import { accuracyOf } from './evaluate.ts';
import type { Source } from './source.ts';
import type { ZipOptions } from './zipOptions.ts';

/**
 * The accuracy (0 to 1) on validation samples that each task must keep: as the recipe says, or so much less than its
 * separate network's. A task without a floor is not here, nor one whose samples have no labels.
 */
export async function floorsOf(
  sources: readonly Source[],
  floors: Recipe['floors'],
  { provider, signal }: Pick<ZipOptions, 'provider' | 'signal'>,
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { task, graph, validation } of sources) {
    const given = floors?.accuracy?.[task];
    if (given !== undefined) found[task] = given;
    else if (floors?.maxDrop !== undefined && validation && isLabelled(validation)) {
      const alone = await accuracyOf(graph, validation, { provider, ...(signal && { signal }) });
      found[task] = alone - floors.maxDrop;
    }
  }
  return found;
}

/** The floors that accuracies lie below. */
export const brokenFloors = (
  accuracy: Readonly<Record<string, number>>,
  floors: Readonly<Record<string, number>>,
): Record<string, number> =>
  Object.fromEntries(Object.entries(floors).filter(([task, floor]) => (accuracy[task] ?? 1) < floor));
