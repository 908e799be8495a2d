import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { TrunklineClient } from '../../../../../client/client.ts';
import type { PreviewSheet } from '../../../../../shared/inspection.ts';
import type { Manifest } from '../../../../../shared/manifest.ts';
import type { BundleDocument, ModelDocument } from '../../../../../shared/registry.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { readManifest } from '../bundles/useBundle.ts';

export interface EndpointContent {
  readonly name: string;
  readonly revision: number;
  readonly manifests: readonly Manifest[];
  /** In the order of the endpoint's tasks. */
  readonly tasks: readonly {
    readonly task: string;
    readonly bundle: string;
    readonly labels: readonly string[];
  }[];
}

/** What an endpoint answers now: its tasks, with the manifests of their bundles. */
export function useEndpoint(name: string | null): UseQueryResult<EndpointContent> {
  const { client } = useApi();
  return useQuery({
    queryKey: ['playground-endpoint', name],
    enabled: name !== null,
    queryFn: async (): Promise<EndpointContent> => {
      const { revision, tasks } = await client.endpoints.get(name ?? '');
      const ids = [...new Set(Object.values(tasks))];
      const read = await Promise.all(ids.map(async (id) => (await readManifest(client, id)).manifest));
      return {
        ...{ name: name ?? '', revision, manifests: read },
        tasks: Object.entries(tasks).map(([task, bundle]) => ({
          ...{ task, bundle },
          labels: read[ids.indexOf(bundle)]?.heads.find((head) => head.task === task)?.labels ?? [],
        })),
      };
    },
  });
}

/** Samples of a task that nobody has to draw. */
export interface SampleSheet {
  readonly task: string;
  /** The data set, `name@version`. */
  readonly source: string;
  readonly sheet: PreviewSheet;
  readonly labels: readonly string[];
}

const mostVersions = 50;
const mostDatasets = 40;

/** Pictures of samples for each task: of the data it was merged on, or of a data set with the same labels. */
export function useSamples(endpoint: EndpointContent | undefined): UseQueryResult<SampleSheet[]> {
  const { client } = useApi();
  return useQuery({
    queryKey: ['playground-samples', endpoint?.name, endpoint?.revision],
    enabled: endpoint !== undefined,
    staleTime: Infinity,
    queryFn: async (): Promise<SampleSheet[]> => {
      const found: SampleSheet[] = [];
      for (const { task, bundle, labels } of endpoint?.tasks ?? []) {
        const manifest = endpoint?.manifests.find(({ heads }) => heads.some((head) => head.task === task));
        const source =
          (await dataOf(client, manifest?.name ?? '', bundle, task)) ?? (await dataLike(client, labels));
        if (source === null) continue;
        const inspected = await client.datasets.inspection(source.name, source.version);
        const sheet = inspected?.document.kind === 'dataset' ? inspected.document.preview : undefined;
        if (sheet) found.push({ task, labels, sheet, source: `${source.name}@${source.version}` });
      }
      return found;
    },
  });
}

interface Source {
  readonly name: string;
  readonly version: number;
}

/** The data that a task of a bundle was retrained and judged on; null when the registry does not know. */
async function dataOf(
  client: TrunklineClient,
  name: string,
  bundle: string,
  task: string,
): Promise<Source | null> {
  const versions = await take(client.bundles.versions(name), mostVersions);
  const version = versions.find(({ document }) => (document as BundleDocument).bundle === bundle);
  if (version === undefined) return null;
  const { parents } = await client.bundles.lineage(name, version.version);
  return parents.find((one) => one.role === 'data' && one.task === task) ?? null;
}

/** A data set of the same classes. */
async function dataLike(client: TrunklineClient, labels: readonly string[]): Promise<Source | null> {
  if (labels.length === 0) return null;
  for (const { name, latest } of await take(client.datasets.list(), mostDatasets)) {
    if (latest === null) continue;
    const { document } = await client.datasets.version(name, latest);
    if (JSON.stringify((document as ModelDocument).labels) === JSON.stringify(labels))
      return { name, version: latest };
  }
  return null;
}
