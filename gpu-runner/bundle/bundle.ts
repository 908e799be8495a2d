import { createHash } from 'node:crypto';
import { explainIssues } from '../../shared/explain-issues.ts';
import { manifest as manifestSchema, type Manifest } from '../../shared/manifest.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';

/** A bundle in memory: what is stored, published and served. Immutable. */
export interface Bundle {
  /** SHA-256 of `manifestBytes`, in hex. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  /** Contents by path, exactly those that the manifest lists. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** @throws {Error} naming the places where the manifest breaks the schema in `shared/manifest.ts` */
export function sealBundle(manifest: Manifest, files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Bundle {
  const checked = checkManifest(manifest, 'make bundle');
  const manifestBytes = new TextEncoder().encode(canonicalJson(checked));
  return { id: sha256(manifestBytes), manifest: checked, manifestBytes, files };
}

/** @throws {Error} "Cannot <action>: its manifest ..." with the places that are wrong */
export function checkManifest(value: unknown, action: string): Manifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`Cannot ${action}: its manifest is not valid: ${explainIssues(result.error)}`);
}
