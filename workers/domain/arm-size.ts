import { TrunklineError } from '../../shared/errors.ts';
import { manifest as manifestSchema, type Manifest } from '../../shared/manifest.ts';
import { readManifest } from '../store/published.ts';
import type { Stores } from '../store/stores.ts';

/** What answering every task of an arm takes. */
export interface ArmSize {
  bundles: number;
  bytes: number;
  parameters: number;
  /** Multiply-adds for one sample. */
  macs: number;
}

/**
 * Bytes, parameters and multiply-adds of the trunks and heads that an arm needs, by its manifests. A trunk counts once
 * for all the tasks of its bundle, a file once for all that name it.
 *
 * @throws {TrunklineError} `unavailable` when a manifest is gone or cannot be read
 */
export async function armSize(stores: Stores, tasks: Record<string, string>): Promise<ArmSize> {
  const files = new Map<string, number>();
  let [parameters, macs] = [0, 0];
  const bundles = new Set(Object.values(tasks));
  for (const id of bundles) {
    const { trunk, heads, files: listed } = await manifestOf(stores, id);
    const wanted = heads.filter((head) => tasks[head.task] === id);
    for (const part of trunk === null ? wanted : [trunk, ...wanted]) {
      parameters += part.parameters;
      macs += part.macs;
      const paths = [part.graph, ...part.weights];
      for (const file of listed) if (paths.includes(file.path)) files.set(file.sha256, file.sizeBytes);
    }
  }
  const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
  return { bundles: bundles.size, bytes, parameters, macs };
}

async function manifestOf({ bucket }: Stores, id: string): Promise<Manifest> {
  const bytes = await readManifest(bucket, id);
  const parsed = bytes && manifestSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (parsed?.success) return parsed.data;
  throw new TrunklineError('unavailable', `Cannot read the manifest of bundle ${id}.`);
}
