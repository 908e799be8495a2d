import { TrunklineError } from '../../shared/errors.ts';
import { manifest } from '../../shared/manifest.ts';
import type { GcReply } from '../../shared/registry.ts';
import {
  adopt,
  deleteBlobs,
  deleteManifests,
  findLooseBlobs,
  findLooseManifests,
  finishDeletions,
  indexBundle,
  listContent,
  listUnindexed,
  sweepSize,
  type Garbage,
  type Sweep,
} from '../store/garbage.ts';
import { readManifest } from '../store/published.ts';
import { asking, retrying } from '../store/retry.ts';
import type { Stores } from '../store/stores.ts';
import { deleteKeys, listParts } from '../store/upload-parts.ts';
import { openAmong } from '../store/uploads.ts';
import type { Change } from './change.ts';
import { sweepUploads } from './uploads/sweep-uploads.ts';

export interface Collection {
  /** Only says what would go. */
  dryRun: boolean;
  graceHours: number;
  /** Deletes only what no other project has; undefined: of all projects. */
  project: string | undefined;
  cursor: string | undefined;
}

const stages = ['index', 'adopt', 'blobs', 'manifests', 'uploads'] as const;
type Stage = (typeof stages)[number];

/** Where a collection goes on: a stage, and how far it has come there. */
interface Place {
  stage: Stage;
  after: string;
}

type Part = Pick<GcReply, 'examined' | 'deleted'> & {
  /** Null: the stage is through. */
  after: string | null;
};

/** Manifests read in one go. */
const bundlesAtOnce = 20;

/**
 * Does one part of a garbage collection, small enough for one request; the reply says how to go on. First all that could
 * refer to content is noted, and content that nobody noted; then what nothing refers to and nobody touched for the grace
 * period is deleted. It can be stopped anywhere, and two may run at the same time.
 *
 * @throws {TrunklineError} `conflict` when a published manifest cannot be read: what it refers to is unknown then, so
 *   nothing is deleted; `unavailable` when the storage fails, from where the same call goes on
 */
export async function collectGarbage(stores: Stores, collection: Collection, by: Change): Promise<GcReply> {
  const place = parsePlace(collection.cursor);
  const { examined, deleted, after } = await collect(stores, collection, place, by);
  return { stage: place.stage, examined, deleted, next: nextPlace(place.stage, after) };
}

function collect(stores: Stores, collection: Collection, { stage, after }: Place, by: Change): Promise<Part> {
  switch (stage) {
    case 'index':
      return index(stores, by);
    case 'adopt':
      return adoptPage(stores, after);
    case 'blobs':
      return sweepBlobs(stores, collection, after, by);
    case 'manifests':
      return sweepManifests(stores, collection, after, by);
    case 'uploads':
      return sweepParts(stores, collection, after, by);
    default:
      return stage satisfies never;
  }
}

function parsePlace(cursor: string | undefined): Place {
  if (cursor === undefined) return { stage: 'index', after: '' };
  const [, name, after = ''] = /^([a-z]+):(.*)$/s.exec(cursor) ?? [];
  const stage = stages.find((one) => one === name);
  if (stage !== undefined) return { stage, after };
  throw new TrunklineError('invalid', `Cannot go on from cursor "${cursor}": it is none of a reply.`);
}

function nextPlace(stage: Stage, after: string | null): string | null {
  if (after !== null) return `${stage}:${after}`;
  const next = stages[stages.indexOf(stage) + 1];
  return next === undefined ? null : `${next}:`;
}

async function index(stores: Stores, by: Change): Promise<Part> {
  const ids = await listUnindexed(stores.db, bundlesAtOnce);
  for (const id of ids) {
    const bytes = await asking(`read the manifest of bundle ${id}`, () => readManifest(stores.bucket, id));
    const parsed = bytes && manifest.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (!parsed?.success) {
      throw new TrunklineError(
        'conflict',
        `Cannot collect garbage: the manifest of bundle ${id} cannot be read, so what it refers to is not known.`,
      );
    }
    await indexBundle(stores.db, id, parsed.data.files, by.at);
  }
  return { examined: ids.length, deleted: [], after: ids.length < bundlesAtOnce ? null : '' };
}

const content = ['blob', 'manifest', 'signature'] as const;

async function adoptPage({ db, bucket }: Stores, after: string): Promise<Part> {
  const [, name = 'blob', cursor = ''] = /^(\w+) (.*)$/s.exec(after) ?? [];
  const kind = content.find((one) => one === name) ?? 'blob';
  const { objects, next } = await listContent(bucket, kind, cursor === '' ? undefined : cursor);
  await retrying(() => adopt(db, objects, kind === 'blob' ? 'blob' : 'manifest'));
  const following = content[content.indexOf(kind) + 1];
  const rest = following === undefined ? null : `${following} `;
  return { examined: objects.length, deleted: [], after: next === null ? rest : `${kind} ${next}` };
}

const sweepOf = ({ graceHours, project }: Collection, after: string, { at }: Change): Sweep => ({
  cutoff: new Date(Date.parse(at) - graceHours * 3_600_000).toISOString(),
  project,
  after,
});

async function sweepBlobs(stores: Stores, collection: Collection, after: string, by: Change): Promise<Part> {
  if (!collection.dryRun && after === '') await finishDeletions(stores, by.at);
  const sweep = sweepOf(collection, after, by);
  const found = await findLooseBlobs(stores.db, sweep);
  const entry = { ...by, action: 'content.collect' as const, subject: 'blobs', detail: {} };
  const gone =
    collection.dryRun || found.length === 0 ? found : await deleteBlobs(stores, found, sweep, entry);
  return partOf('blob', found, gone);
}

async function sweepManifests(
  stores: Stores,
  collection: Collection,
  after: string,
  by: Change,
): Promise<Part> {
  const sweep = sweepOf(collection, after, by);
  const found = await findLooseManifests(stores.db, sweep);
  const entry = { ...by, action: 'content.collect' as const, subject: 'manifests', detail: {} };
  const gone =
    collection.dryRun || found.length === 0 ? found : await deleteManifests(stores, found, sweep, entry);
  return partOf('manifest', found, gone);
}

const partOf = (kind: 'blob' | 'manifest', found: readonly Garbage[], gone: readonly Garbage[]): Part => ({
  examined: found.length,
  deleted: gone.map((one) => ({ kind, ...one })),
  after: found.length < sweepSize ? null : (found.at(-1)?.id ?? null),
});

/** Parts of uploads that are not open; nobody can make anything of them. */
async function sweepParts(stores: Stores, { dryRun }: Collection, after: string, by: Change): Promise<Part> {
  if (!dryRun && after === '') await sweepUploads(stores, by.at);
  const { parts, next } = await listParts(stores.bucket, after === '' ? undefined : after);
  const open = await openAmong(stores.db, [...new Set(parts.map(({ upload }) => upload))]);
  const loose = parts.filter(({ upload }) => !open.has(upload));
  if (!dryRun) {
    await deleteKeys(
      stores.bucket,
      loose.map(({ key }) => key),
    );
  }
  const deleted = loose.map(({ key, sizeBytes }) => ({ kind: 'upload' as const, id: key, sizeBytes }));
  return { examined: parts.length, deleted, after: next };
}
