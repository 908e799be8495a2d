import { queryOptions, useQueries, type UseQueryResult } from '@tanstack/react-query';
import type { TrunklineClient } from '../../../../../client/client.ts';
import type { DatasetDocument } from '../../../../../shared/dataset.ts';
import { parseReference, type ModelDocument } from '../../../../../shared/registry.ts';
import { useApi } from '../../api/ApiContext.tsx';
import type { KnownData, KnownModel, KnownSource } from './compatibility.ts';
import type { SourceForm } from './mergeForm.ts';

/** Until a runner has read a new version. */
const readAgainMs = 5000;

/** A network by reference, with what a runner read of it. */
export const modelQuery = (client: TrunklineClient, ref: string) =>
  queryOptions({
    queryKey: ['known-model', ref],
    queryFn: async (): Promise<KnownModel> => {
      const { name, at } = partsOf(ref);
      const version = await client.models.version(name, at);
      const inspected = await client.models.inspection(name, version.version);
      return {
        ref: `${name}@${version.version}`,
        document: version.document as ModelDocument,
        inspection: inspected?.document.kind === 'model' ? inspected.document : null,
      };
    },
    refetchInterval: ({ state }) => (state.data?.inspection === null ? readAgainMs : false),
  });

export const dataQuery = (client: TrunklineClient, ref: string) =>
  queryOptions({
    queryKey: ['known-data', ref],
    queryFn: async (): Promise<KnownData> => {
      const { name, at } = partsOf(ref);
      const version = await client.datasets.version(name, at);
      const inspected = await client.datasets.inspection(name, version.version);
      return {
        ref: `${name}@${version.version}`,
        document: version.document as DatasetDocument,
        inspection: inspected?.document.kind === 'dataset' ? inspected.document : null,
      };
    },
    refetchInterval: ({ state }) => (state.data?.inspection === null ? readAgainMs : false),
  });

function partsOf(ref: string): { name: string; at: string } {
  const parsed = parseReference(ref);
  if (parsed === null) throw new Error(`"${ref}" is no reference`);
  return { name: parsed.name, at: ref.split('@')[1] ?? 'latest' };
}

export interface KnownSources {
  readonly sources: readonly KnownSource[];
  readonly loading: boolean;
  readonly error: unknown;
}

/** What is known of everything that was picked so far. */
export function useSources(picked: readonly SourceForm[]): KnownSources {
  const { client } = useApi();
  const models = useQueries({
    queries: picked.map(({ model }) => ({ ...modelQuery(client, model ?? ''), enabled: model !== null })),
  });
  const data = useQueries({
    queries: picked.map(({ data: ref }) => ({ ...dataQuery(client, ref ?? ''), enabled: ref !== null })),
  });
  const all: readonly UseQueryResult[] = [...models, ...data];
  return {
    sources: picked.map(({ task, model, data: ref }, at) => ({
      task,
      model: model === null ? null : (models[at]?.data ?? null),
      data: ref === null ? null : (data[at]?.data ?? null),
    })),
    loading: all.some(({ isLoading }) => isLoading),
    error: all.find(({ error }) => error !== null)?.error ?? null,
  };
}
