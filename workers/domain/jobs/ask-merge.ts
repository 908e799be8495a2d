import { canonicalJson } from '../../../shared/canonical-json.ts';
import { maxTasks } from '../../../shared/api.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import { randomId } from '../../../shared/ids.ts';
import type { MergeRequest, PinnedVersion } from '../../../shared/jobs.ts';
import { isDuplicate, isMissingReference } from '../../store/database.ts';
import { findEndpoint, isServing } from '../../store/endpoints.ts';
import { findJobByKey, insertJob, type JobRow } from '../../store/jobs.ts';
import type { Stores } from '../../store/stores.ts';
import type { VersionRow } from '../../store/versions.ts';
import type { Change } from '../change.ts';
import { resolveReference } from '../registry/find-version.ts';
import { findMismatch } from './find-mismatch.ts';
import { findRecipeMismatch } from './find-recipe-mismatch.ts';
import type { ResolvedSource } from './resolved-source.ts';
import { findOwnJob } from './view-of-job.ts';

export interface Asking {
  project: string;
  owner: string;
  /** The same key again is the same job. */
  idempotencyKey: string | null;
}

/**
 * Asks for a merge, after everything was checked that can be known before a runner looks: that the versions exist and fit
 * each other and the recipe, the tasks differ and the endpoint can take the result.
 *
 * @throws {TrunklineError} `not-found` for a version or alias that does not exist; `unprocessable`, saying what does not fit;
 *   `conflict` when the idempotency key was used for another request
 */
export async function askMerge(
  stores: Stores,
  { project, owner, idempotencyKey }: Asking,
  request: MergeRequest,
  by: Change,
): Promise<{ created: boolean; job: JobRow }> {
  const known = await findRepeated(stores, { project, owner, idempotencyKey }, request);
  if (known !== null) return { created: false, job: known };
  await checkTasks(stores, project, request);
  const sources = await resolveSources(stores, project, request.sources);
  const why =
    findRecipeMismatch(request.recipe, sources) ?? (await findMismatch(stores.db, sources, request.recipe));
  if (why !== null) throw refused(request, why);
  const id = randomId();
  const pinned = sources.map(pinSource);
  const job = {
    ...({ id, project, owner, kind: 'merge', priority: request.priority, request } as const),
    ...{ pinned: { kind: 'merge', sources: pinned } as const, retryOf: null, idempotencyKey, at: by.at },
  };
  const detail = { kind: 'merge', name: request.name, tasks: request.sources.map(({ task }) => task) };
  try {
    await insertJob(stores.db, job, { ...by, project, action: 'job.create', subject: id, detail });
  } catch (cause) {
    if (isMissingReference(cause)) throw refused(request, 'a version of it was deleted at the same time');
    const winner = isDuplicate(cause)
      ? await findRepeated(stores, { project, owner, idempotencyKey }, request)
      : null;
    if (winner === null) throw cause;
    return { created: false, job: winner };
  }
  return { created: true, job: await findOwnJob(stores, project, id) };
}

/** What the job remembers of a source. */
export const pinSource = ({ task, model, data }: ResolvedSource) => ({
  task,
  model: pin(model),
  data: pin(data),
});

const pin = ({ name, version, digest }: VersionRow): PinnedVersion => ({ name, version, digest });

const refused = ({ name }: MergeRequest, why: string): TrunklineError =>
  new TrunklineError('unprocessable', `Cannot merge into "${name}": ${why}.`);

async function findRepeated(stores: Stores, asking: Asking, request: MergeRequest): Promise<JobRow | null> {
  const { idempotencyKey } = asking;
  const known = idempotencyKey === null ? undefined : await findJobByKey(stores.db, asking, idempotencyKey);
  if (known === undefined) return null;
  if (canonicalJson(known.request) === canonicalJson(request)) return known;
  throw new TrunklineError(
    'conflict',
    `Cannot ask for this merge under idempotency key "${idempotencyKey ?? ''}": job ${known.id} was asked for under it, otherwise.`,
  );
}

/** The first task that two sources are of. */
export function repeatedTask(sources: MergeRequest['sources']): string | undefined {
  const tasks = sources.map(({ task }) => task);
  return tasks.find((task, i) => tasks.indexOf(task) !== i);
}

async function checkTasks({ db }: Stores, project: string, request: MergeRequest): Promise<void> {
  const tasks = request.sources.map(({ task }) => task);
  const twice = repeatedTask(request.sources);
  if (twice !== undefined) throw refused(request, `two sources are of task "${twice}"`);
  const { endpoint } = request;
  if (endpoint === undefined) return;
  const foreign = endpoint.tasks?.find((task) => !tasks.includes(task));
  if (foreign !== undefined)
    throw refused(request, `the endpoint is to answer "${foreign}", which no source is of`);
  const current = await findEndpoint(db, endpoint.name);
  if (current === undefined || !isServing(current)) return;
  if (current.project !== project) {
    throw refused(request, `the endpoint name "${endpoint.name}" is taken by another project`);
  }
  const all = new Set([...Object.keys(current.tasks), ...(endpoint.tasks ?? tasks)]);
  if (all.size > maxTasks) {
    throw refused(
      request,
      `endpoint "${endpoint.name}" would answer ${all.size} tasks, ${maxTasks} is the most`,
    );
  }
}

/** The versions that the references mean now. Later aliases and versions change nothing about the job. */
export async function resolveSources(
  { db }: Stores,
  project: string,
  sources: MergeRequest['sources'],
): Promise<ResolvedSource[]> {
  return Promise.all(
    sources.map(async ({ task, model, data }) => ({
      task,
      model: await resolveReference(db, { project, kind: 'models' }, model),
      data: await resolveReference(db, { project, kind: 'datasets' }, data),
    })),
  );
}
