import type { ClaimReply, PinnedVersion } from '../../../shared/jobs.ts';
import { findVersion } from '../../store/versions.ts';
import type { JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';

/** What a runner needs to begin: the documents of the versions that the job reads. They cannot be deleted while it is open. */
export async function inputsOfJob(
  { db }: Stores,
  { id, project, pinned }: JobRow,
): Promise<ClaimReply['inputs']> {
  const resolve = async (kind: 'models' | 'datasets', { name, version, digest }: PinnedVersion) => {
    const row = await findVersion(db, { project, kind, name }, { version });
    if (row?.digest !== digest) throw new Error(`job ${id} reads ${kind}/${name}@${version}, which is gone`);
    return { name, version, digest, document: row.document as never };
  };
  if (pinned.kind === 'inspect') {
    return { kind: 'inspect', of: pinned.of, version: await resolve(pinned.of, pinned.version) };
  }
  const sources = pinned.sources.map(async ({ task, model, data }) => ({
    task,
    model: await resolve('models', model),
    data: await resolve('datasets', data),
  }));
  return { kind: pinned.kind, sources: await Promise.all(sources) };
}
