import { sha256Hex } from '../../shared/digest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import { writeModel } from '../onnx/write.ts';
import type { Source } from './zip.ts';

/**
 * Digest of what decides a zip: the networks, the recipe, and of the data the size, dims, labels and the first and last
 * sample. A checkpoint goes on only where it is the same.
 */
export async function zipIdentity(
  sources: readonly Source[],
  recipe: Recipe,
  weights: Readonly<Record<string, number>> = {},
  gramBytes?: number,
): Promise<string> {
  const parts: unknown[] = [recipe, weights, ...(gramBytes === undefined ? [] : [gramBytes])];
  for (const { task, graph, train, validation } of sources) {
    parts.push(task, await sha256Hex(new Uint8Array(writeModel(graph))));
    for (const data of [train, ...(validation ? [validation] : [])]) {
      const { size, sampleDims, classes, labels } = data;
      const ends = Float32Array.from(data.inputs(size > 0 ? [0, size - 1] : []));
      parts.push({ size, sampleDims, classes });
      parts.push(await sha256Hex(new Uint8Array(Int32Array.from(labels).buffer)));
      parts.push(await sha256Hex(new Uint8Array(ends.buffer)));
    }
  }
  return sha256Hex(JSON.stringify(parts));
}
