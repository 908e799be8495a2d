import { TrunklineError } from '../../../shared/errors.ts';
import { maxTasks } from '../../../shared/api.ts';
import type { MergeRequest } from '../../../shared/jobs.ts';
import { manifest } from '../../../shared/manifest.ts';
import { referenceOf } from '../../../shared/registry.ts';
import { auditInsert } from '../../store/audit.ts';
import { isDuplicate, type Statement } from '../../store/database.ts';
import { findEndpoint, insertRevisionStatement, isServing } from '../../store/endpoints.ts';
import { mayPublish, moveJob } from '../../store/job-moves.ts';
import type { JobRow } from '../../store/jobs.ts';
import { readBlob } from '../../store/published.ts';
import type { Stores } from '../../store/stores.ts';
import type { Parent } from '../../store/versions.ts';
import type { Change } from '../change.ts';
import { publishBundle } from '../publish-bundle.ts';
import { publishEndpoint } from '../publish-endpoint.ts';
import { refuseDuringExperiment, sameTasks } from '../set-endpoint.ts';
import { findUnservable } from '../unservable.ts';
import { endAttempt } from './end-attempt.ts';
import { findOwnJob, subjectOf } from './view-of-job.ts';

/** Rounds before giving up on an endpoint that somebody else keeps changing. */
const maxRounds = 5;

/**
 * Finishes a job that has decided what it ends with (`publishing`). Anybody may call it, at any time, more than once.
 *
 * @throws {TrunklineError} `unprocessable` when the manifest cannot be published; the attempt has failed then. What the
 *   storage throws is for the next call.
 */
export async function publishResult(stores: Stores, row: JobRow, by: Change): Promise<JobRow> {
  const { publishing } = row;
  if (publishing === null) throw new Error(`job ${row.id} has nothing to publish`);
  const bytes = await readBlob(stores.bucket, publishing.bundle);
  let registered: string;
  try {
    if (bytes === null) {
      throw new TrunklineError(
        'unprocessable',
        `Cannot publish the bundle: blob ${publishing.bundle} is gone.`,
      );
    }
    registered = await register(stores, row, bytes, by);
  } catch (error) {
    if (!(error instanceof TrunklineError) || error.status >= 500) throw error;
    // This manifest will never do: another attempt may make a better one.
    const ending = { reason: error.message, retryable: true, handBack: false };
    await endAttempt(stores, row, ending, by, { guard: mayPublish(publishing), set: { publishing: null } });
    throw error;
  }
  return finish(stores, row, publishing, registered, by);
}

async function register(
  stores: Stores,
  { project, request, pinned }: JobRow,
  bytes: Uint8Array<ArrayBuffer>,
  by: Change,
): Promise<string> {
  const other = notAsked(request as MergeRequest, bytes);
  if (other !== null) throw new TrunklineError('unprocessable', `Cannot publish the bundle: ${other}.`);
  const { version } = await publishBundle(stores, bytes, { ...by, project }, parentsOf(pinned));
  return referenceOf(version);
}

/** Why a manifest is not what was asked for. One that is no manifest is refused where it is published. */
function notAsked({ name, sources }: MergeRequest, bytes: Uint8Array<ArrayBuffer>): string | null {
  const told = manifest.safeParse(parseJson(bytes)).data;
  if (told === undefined) return null;
  if (told.name !== name) return `it is called "${told.name}", "${name}" was asked for`;
  const tasks = told.heads.map(({ task }) => task).toSorted();
  const wanted = sources.map(({ task }) => task).toSorted();
  return tasks.join() === wanted.join() ? null : `it answers ${tasks.join(', ')}, not ${wanted.join(', ')}`;
}

function parseJson(bytes: Uint8Array<ArrayBuffer>): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function parentsOf(pinned: JobRow['pinned']): Parent[] {
  if (pinned.kind !== 'merge') return [];
  return pinned.sources.flatMap(({ task, model, data }): Parent[] => [
    { kind: 'models', name: model.name, version: model.version, role: 'model', task },
    { kind: 'datasets', name: data.name, version: data.version, role: 'data', task },
  ]);
}

async function finish(
  stores: Stores,
  row: JobRow,
  { bundle, report }: NonNullable<JobRow['publishing']>,
  registered: string,
  by: Change,
): Promise<JobRow> {
  const { id, project, attempts, token } = row;
  for (let round = 0; round < maxRounds; round++) {
    const moving = await endpointChange(stores, row, bundle, by);
    const { endpoint, reason, statements } = moving;
    const detail = { kind: row.kind, name: subjectOf(row), bundle, registered, endpoint, reason };
    try {
      const moved = await moveJob(
        stores.db,
        {
          job: row,
          from: 'leased',
          to: 'succeeded',
          attempt: 'succeeded',
          at: by.at,
          guard: [mayPublish({ bundle, report })],
          set: { result: { bundle, registered, endpoint, report }, reason },
          blobs: report === null ? [] : [report],
          event: { state: 'succeeded', attempts, token, runner: row.runner?.name ?? null, reason },
          audit: { ...by, project, action: 'job.finished', subject: id, detail },
        },
        statements,
      );
      if (moved && endpoint !== null) await tellEdge(stores, endpoint.name, by);
      return await findOwnJob(stores, project, id);
    } catch (error) {
      // Somebody changed the endpoint at the same time: look again.
      if (!isDuplicate(error)) throw error;
    }
  }
  throw new TrunklineError(
    'unavailable',
    `Cannot complete job ${id} now: its endpoint keeps changing; ask again.`,
  );
}

interface EndpointChange {
  endpoint: { name: string; revision: number } | null;
  /** Why the endpoint stays as it is, though it was asked for; the bundle is there all the same. */
  reason: string | null;
  statements: Statement[];
}

/** What it takes to have the endpoint answer the asked tasks from the bundle, its others as before. */
async function endpointChange(
  stores: Stores,
  { project, request }: JobRow,
  bundle: string,
  by: Change,
): Promise<EndpointChange> {
  const wanted = request as MergeRequest;
  if (!wanted.publish || wanted.endpoint === undefined)
    return { endpoint: null, reason: null, statements: [] };
  const { name } = wanted.endpoint;
  const current = await findEndpoint(stores.db, name);
  const moved = wanted.endpoint.tasks ?? wanted.sources.map(({ task }) => task);
  const tasks = { ...current?.tasks, ...Object.fromEntries(moved.map((task) => [task, bundle])) };
  const owner = current !== undefined && isServing(current) ? current.project : project;
  const why =
    owner === project ? await whyNot(stores, name, project, tasks) : 'its name is taken by another project.';
  if (why !== null) return { endpoint: null, reason: `The endpoint stays as it is: ${why}`, statements: [] };
  if (current !== undefined && sameTasks(current.tasks, tasks)) {
    return { endpoint: { name, revision: current.revision }, reason: null, statements: [] };
  }
  const revision = (current?.revision ?? 0) + 1;
  const row = { endpoint: name, revision, project, tasks, createdAt: by.at, createdBy: by.actor };
  const entry = {
    ...by,
    project,
    action: 'endpoint.set',
    subject: name,
    detail: { revision, tasks },
  } as const;
  const statements = [insertRevisionStatement(stores.db, row), auditInsert(stores.db, entry)];
  return { endpoint: { name, revision }, reason: null, statements };
}

async function whyNot(
  stores: Stores,
  endpoint: string,
  project: string,
  tasks: Record<string, string>,
): Promise<string | null> {
  if (Object.keys(tasks).length > maxTasks) return `it would answer more than ${maxTasks} tasks.`;
  try {
    await refuseDuringExperiment(stores, endpoint);
  } catch (error) {
    if (error instanceof TrunklineError) return error.message;
    throw error;
  }
  const why = await findUnservable(stores.db, project, Object.entries(tasks));
  return why === null ? null : `${why}.`;
}

/** The change is made; when the edge cannot be told now, the schedule tells it. */
async function tellEdge(stores: Stores, endpoint: string, by: Change): Promise<void> {
  try {
    await publishEndpoint(stores, endpoint, by.at);
  } catch (error) {
    console.error(`endpoint ${endpoint} is not published yet`, error);
  }
}
