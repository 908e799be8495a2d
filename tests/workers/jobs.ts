import { toHex } from '../../shared/digest.ts';
import type { ClaimRequest, PinnedVersion } from '../../shared/jobs.ts';
import type { ModelInspection } from '../../shared/inspection.ts';
import { inspectionStatements } from '../../workers/domain/jobs/ask-inspection.ts';
import { listJobs } from '../../workers/store/jobs.ts';
import { items, versions } from '../../workers/store/schema/registry.ts';
import type { Stores } from '../../workers/store/stores.ts';
import { by } from './fixtures.ts';

export const runnerOf = (name: string): ClaimRequest['runner'] => ({
  name,
  version: '1',
  providers: ['cpu'],
});

/** A project of its own, with model `net@1` in it. */
export async function newProject(stores: Stores): Promise<{ project: string; net: PinnedVersion }> {
  const project = `p${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  const net = { name: 'net', version: 1, digest: 'd'.repeat(64) };
  const item = { project, kind: 'models', name: 'net' } as const;
  const created = { createdAt: by.at, createdBy: by.actor };
  const document = { format: 'trunkline.model/1', files: [], labels: [] } as const;
  await stores.db.batch([
    stores.db.insert(items).values({
      ...item,
      owner: by.actor,
      tags: {},
      card: '',
      lastVersion: 1,
      createdAt: by.at,
      changedAt: by.at,
    }),
    stores.db.insert(versions).values({
      ...item,
      ...created,
      version: 1,
      digest: net.digest,
      document: { ...document, files: [], labels: [] },
      sizeBytes: 0,
    }),
  ]);
  return { project, net };
}

/** Asks for an inspection of `net@1`; answers the job's id. */
export async function askInspection(
  stores: Stores,
  { project, net }: Awaited<ReturnType<typeof newProject>>,
  { owner = 'alice', priority = 0, at = by.at }: { owner?: string; priority?: number; at?: string } = {},
): Promise<string> {
  const version = { kind: 'models', name: net.name, digest: net.digest } as const;
  await stores.db.batch(inspectionStatements(stores.db, version, { actor: owner, project, at }, priority));
  const [job] = (await listJobs(stores.db, project, {})).rows;
  if (job === undefined) throw new Error('the job is not there');
  return job.id;
}

export const inspected: ModelInspection = {
  format: 'trunkline.inspection/1',
  kind: 'model',
  inputs: [],
  outputs: [],
  parameters: 1,
  macs: 1,
  operators: { Conv: 1 },
  groups: [],
  problems: [],
};
