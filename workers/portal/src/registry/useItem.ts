import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { versionList, type Kind } from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { usePaged } from '../api/usePaged.ts';

/** Milliseconds between two looks whether a runner has read the version. */
const inspectionPollMs = 2500;

/** Which version the address asks for: `?version=3`, an alias, or the newest. */
export function useVersionChoice(): [ref: string, choose: (ref: string) => void] {
  const [search, setSearch] = useSearchParams();
  return [
    search.get('version') ?? 'latest',
    (ref) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        next.set('version', ref);
        return next;
      }),
  ];
}

export function useItem(kind: Kind, name: string) {
  const { client } = useApi();
  return useQuery({ queryKey: [kind, 'item', name], queryFn: () => client[kind].get(name) });
}

export function useVersion(kind: Kind, name: string, ref: string) {
  const { client } = useApi();
  return useQuery({ queryKey: [kind, 'version', name, ref], queryFn: () => client[kind].version(name, ref) });
}

export function useVersions(kind: Kind, name: string) {
  const { client } = useApi();
  return usePaged([kind, 'versions', name], async (cursor: number | null) => {
    const path = ['v1', kind, name, 'versions'];
    const { versions, next } = await client.http.read(versionList, {
      method: 'GET',
      path,
      query: { cursor },
    });
    return { rows: versions, next };
  });
}

/** What a runner read of a version; asked again until one has. */
export function useInspection(kind: Kind, name: string, ref: string) {
  const { client } = useApi();
  return useQuery({
    queryKey: [kind, 'inspection', name, ref],
    queryFn: () => client[kind].inspection(name, ref),
    refetchInterval: ({ state }) => (state.data === null ? inspectionPollMs : false),
  });
}

/** Call after a change: everything of that kind is asked for again. */
export function useRefresh(kind: Kind): () => Promise<void> {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: [kind] });
}
