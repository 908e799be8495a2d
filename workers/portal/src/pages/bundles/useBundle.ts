import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { TrunklineClient } from '../../../../../client/client.ts';
import { manifest as manifestSchema, type Manifest } from '../../../../../shared/manifest.ts';
import type { BundleDocument, VersionView } from '../../../../../shared/registry.ts';
import { report as reportSchema, type Report } from '../../../../../shared/report.ts';
import { useApi } from '../../api/ApiContext.tsx';

export interface BundleContent {
  readonly version: VersionView;
  /** Its id, the digest of the manifest. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  /** Null where none was written, or by a program this page does not understand. */
  readonly report: Report | null;
}

export async function readManifest(
  client: TrunklineClient,
  id: string,
): Promise<{ manifest: Manifest; bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = await client.manifest(id);
  return { manifest: manifestSchema.parse(JSON.parse(new TextDecoder().decode(bytes))), bytes };
}

/** A registered version of a bundle with its manifest and report. */
export function useBundle(name: string, ref: string): UseQueryResult<BundleContent> {
  const { client } = useApi();
  return useQuery({
    queryKey: ['bundle', name, ref],
    queryFn: async (): Promise<BundleContent> => {
      const version = await client.bundles.version(name, ref);
      const id = (version.document as BundleDocument).bundle;
      const { manifest, bytes } = await readManifest(client, id);
      return { version, id, manifest, manifestBytes: bytes, report: await readReport(client, manifest) };
    },
  });
}

async function readReport(client: TrunklineClient, manifest: Manifest): Promise<Report | null> {
  const file = manifest.files.find(({ path }) => path === manifest.report?.json);
  if (file === undefined) return null;
  const parsed = reportSchema.safeParse(await (await client.blob(file.sha256)).json());
  return parsed.success ? parsed.data : null;
}
