import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { bundleDocument } from '../../../../../shared/registry.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Digest } from '../../ui/Value.tsx';

/** Bundles and versions of each that are looked through for a name; others are shown by their digest. */
const lookThrough = 50;

/** `name@version` by bundle id, as far as the newest of the registry tell. */
export function useBundleNames(): ReadonlyMap<string, { name: string; version: number }> {
  const { client } = useApi();
  const { data } = useQuery({
    queryKey: ['bundles', 'names'],
    staleTime: 60_000,
    queryFn: async () => {
      const items = await take(client.bundles.list(), lookThrough);
      const versions = await Promise.all(
        items.map(({ name }) => take(client.bundles.versions(name), lookThrough)),
      );
      return versions.flat().flatMap(({ name, version, document }) => {
        const parsed = bundleDocument.safeParse(document);
        return parsed.success ? [[parsed.data.bundle, { name, version }] as const] : [];
      });
    },
  });
  return new Map(data ?? []);
}

export function BundleLink({
  id,
  names,
}: {
  readonly id: string;
  readonly names: ReturnType<typeof useBundleNames>;
}) {
  const known = names.get(id);
  return known === undefined ? (
    <Digest value={id} />
  ) : (
    <Link href={`/bundles/${known.name}?version=${known.version}`} title={id}>
      {known.name}@{known.version}
    </Link>
  );
}
