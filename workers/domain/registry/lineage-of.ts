import { manifest } from '../../../shared/manifest.ts';
import type { LineageView } from '../../../shared/registry.ts';
import { readLineage } from '../../store/lineage.ts';
import { readManifest } from '../../store/published.ts';
import { asking } from '../../store/retry.ts';
import type { Stores } from '../../store/stores.ts';
import type { VersionRow } from '../../store/versions.ts';

/** What a version was made from and what was made from it; for a bundle also what its manifest names beyond that. */
export async function lineageOf({ db, bucket }: Stores, row: VersionRow): Promise<LineageView> {
  const { parents, children } = await readLineage(db, row);
  if (row.kind !== 'bundles') return { parents, children, unregistered: [] };
  const bytes = await asking(`read the manifest of bundle ${row.digest}`, () =>
    readManifest(bucket, row.digest),
  );
  const named =
    bytes === null ? [] : manifest.parse(JSON.parse(new TextDecoder().decode(bytes))).lineage.models;
  const known = new Set(parents.filter(({ role }) => role === 'model').map(({ task }) => task));
  return { parents, children, unregistered: named.filter(({ task }) => !known.has(task)) };
}
