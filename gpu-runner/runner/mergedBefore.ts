import type { Bundle } from '../bundle/bundle.ts';
import { partsOf } from '../bundle/quantise/parts.ts';
import { readParts } from '../bundle/readParts.ts';
import type { ZippedBefore } from '../mtz/extend.ts';

/** What a bundle holds of the merge that made it, but for its sources. */
export interface MergedBefore extends Omit<ZippedBefore, 'sources'> {
  /** Of the bundle. */
  readonly id: string;
  /** In its order. */
  readonly tasks: readonly string[];
  readonly retrainingSteps: number;
}

/**
 * A bundle as the beginning of a merge that adds a task to it.
 *
 * @throws {Error} when it is no merge's, or its weights are not those that were trained
 */
export function mergedBefore(bundle: Pick<Bundle, 'id' | 'manifest' | 'files'>): MergedBefore {
  const { id, manifest } = bundle;
  const { name, recipe, sharing, storage = 'float32', lineage } = manifest;
  const refuse = (reason: string): Error => new Error(`Cannot extend bundle "${name}": ${reason}`);
  const tasks = lineage.models.map(({ task }) => task);
  if (!recipe) throw refuse('it was packed as it is, not merged: zip its network with the others instead');
  if (tasks.length < 2)
    throw refuse(`only "${tasks.join()}" is in it: zip that network with the other one instead`);
  if (storage !== 'float32')
    throw refuse(
      `its weights are stored as ${storage}, rounded after they were trained, and retraining would start from rounded ones; extend the float32 bundle and store what comes out as ${storage}`,
    );
  const weights = new Map(partsOf(readParts(bundle)).flatMap(({ graph }) => [...graph.initializers]));
  return { id, tasks, recipe, sharing, weights, retrainingSteps: lineage.retrainingSteps };
}
