import { sha256Hex } from '../../shared/digest.ts';
import type { Recipe } from '../../shared/recipe.ts';
import { writeModel } from '../onnx/write.ts';
import { defaultGramBytes } from './gramForm.ts';
import { saveNetwork } from './networkState.ts';
import type { Network } from './network.ts';
import type { Source } from './source.ts';
import type { ZipOptions } from './zipOptions.ts';
import { zipRecipe } from './zipRecipe.ts';

/** Greater wherever a budget leads to another plan than it did. */
const budgetVersion = 2;

/**
 * Digest of what decides a zip: the networks, as files and as they are read, what they share already, the recipe but for
 * how the bundle is stored, the provider, and of the data the size, dims, labels and the first and last sample. A checkpoint
 * goes on only where it is the same.
 *
 * @param network as the zip begins
 */
export async function zipIdentity(
  network: Network,
  sources: readonly Source[],
  recipe: Recipe,
  { provider, gramBytes }: Pick<ZipOptions, 'provider' | 'gramBytes'>,
): Promise<string> {
  const parts: unknown[] = [zipRecipe(recipe), { provider }, gramBytes ?? defaultGramBytes];
  parts.push(network.settled, await networkDigest(network));
  if (recipe.budget) parts.push({ budgetVersion });
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

async function networkDigest(network: Network): Promise<string> {
  const { state, bytes } = saveNetwork(network);
  const digests = await Promise.all(bytes.map((part) => sha256Hex(part)));
  return sha256Hex(JSON.stringify([state, digests]));
}
