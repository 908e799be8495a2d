import { canonicalJson } from '../../../shared/canonical-json.ts';
import type { DatasetDocument } from '../../../shared/dataset.ts';
import { sha256Hex } from '../../../shared/digest.ts';
import { TrunklineError } from '../../../shared/errors.ts';
import type { BundleFile } from '../../../shared/manifest.ts';
import {
  kindNoun,
  type BundleDocument,
  type ModelDocument,
  type RegisteredVersion,
} from '../../../shared/registry.ts';
import { ownedSizes } from '../../store/blobs.ts';
import { findBundle } from '../../store/bundles.ts';
import { isDuplicate, isMissingReference, type Statement } from '../../store/database.ts';
import type { ItemKey } from '../../store/items.ts';
import { readBlobRange } from '../../store/publish.ts';
import type { Stores } from '../../store/stores.ts';
import {
  findVersionByDigest,
  hasBundle,
  insertVersionStatements,
  type NewVersion,
} from '../../store/versions.ts';
import { projectOf, type Change } from '../change.ts';
import { inspectionStatements } from '../jobs/ask-inspection.ts';
import { findOnnxFault } from '../onnx-check.ts';

export type Registration = { name: string } & (
  | { kind: 'models'; document: ModelDocument }
  | { kind: 'datasets'; document: DatasetDocument }
  | { kind: 'bundles'; document: BundleDocument }
);

/**
 * Gives a name its next version, or answers the one that has this document already. A new model or data set is to be read
 * by a runner: the job is there with the version, or neither is.
 *
 * @throws {TrunklineError} `unprocessable` for a file that this project has not uploaded or that has another size, a graph
 *   that is no ONNX model, a bundle that is not published
 */
export async function registerVersion(
  stores: Stores,
  registration: Registration,
  by: Change,
): Promise<{ created: boolean; version: RegisteredVersion }> {
  const key = { project: projectOf(by), kind: registration.kind, name: registration.name };
  const version = await describe(stores, key, registration);
  const known = await findVersionByDigest(stores.db, key, version.digest);
  if (known !== undefined) return { created: false, version: viewOf(known) };
  try {
    await stores.db.batch([
      ...insertVersionStatements(stores.db, version, by),
      ...inspectionOf(stores, registration, version.digest, by),
    ]);
  } catch (error) {
    if (isMissingReference(error))
      throw refused(key, 'what it is made of was deleted at the same time', error);
    if (!isDuplicate(error)) throw error;
    // Somebody registered the same document at the same time: theirs is the row that counts.
    const winner = await findVersionByDigest(stores.db, key, version.digest);
    if (winner === undefined) throw error;
    return { created: false, version: viewOf(winner) };
  }
  const row = await findVersionByDigest(stores.db, key, version.digest);
  if (row === undefined) throw new Error(`the version of ${key.kind}/${key.name} just registered is gone`);
  return { created: true, version: viewOf(row) };
}

function inspectionOf(
  { db }: Stores,
  { kind, name }: Registration,
  digest: string,
  by: Change,
): readonly Statement[] {
  return kind === 'bundles' ? [] : inspectionStatements(db, { kind, name, digest }, by);
}

const viewOf = ({ name, version, digest }: RegisteredVersion): RegisteredVersion => ({
  name,
  version,
  digest,
});

async function describe(stores: Stores, key: ItemKey, { kind, document }: Registration): Promise<NewVersion> {
  if (kind === 'bundles') return describeBundle(stores, key, document);
  const { files } = document;
  await checkFiles(stores, key, files);
  return {
    ...key,
    digest: await sha256Hex(canonicalJson(document)),
    document,
    sizeBytes: [...new Map(files.map((file) => [file.sha256, file.sizeBytes])).values()].reduce(
      (sum, bytes) => sum + bytes,
      0,
    ),
    files: files.map(({ path, sha256 }) => ({ path, sha256 })),
    parents: [],
  };
}

/** A bundle that the project has published may get further names; what it was made from stays with the first one. */
async function describeBundle(stores: Stores, key: ItemKey, document: BundleDocument): Promise<NewVersion> {
  const row = await findBundle(stores.db, document.bundle);
  if (row === undefined || !(await hasBundle(stores.db, key.project, document.bundle))) {
    throw refused(key, `bundle ${document.bundle} is not published`);
  }
  return { ...key, digest: row.id, document, sizeBytes: row.sizeBytes, files: [], parents: [] };
}

async function checkFiles(stores: Stores, key: ItemKey, files: readonly BundleFile[]): Promise<void> {
  const sizes = await ownedSizes(
    stores.db,
    key.project,
    files.map((file) => file.sha256),
  );
  for (const { path, sha256, sizeBytes } of files) {
    const size = sizes.get(sha256);
    if (size === undefined) throw refused(key, `file "${path}" is not uploaded: blob ${sha256} is missing`);
    if (size !== sizeBytes) {
      throw refused(key, `file "${path}" has ${size} bytes, the document says ${sizeBytes}`);
    }
  }
  for (const { path, sha256, sizeBytes } of files) {
    if (key.kind !== 'models' || !path.endsWith('.onnx')) continue;
    const fault = await findOnnxFault(sizeBytes, (offset, length) =>
      readBlobRange(stores.bucket, sha256, { offset, length }),
    );
    if (fault !== null) throw refused(key, `file "${path}" is not an ONNX model: it ${fault}`);
  }
}

const refused = ({ kind, name }: ItemKey, why: string, cause?: unknown): TrunklineError =>
  new TrunklineError('unprocessable', `Cannot register ${kindNoun[kind]} "${name}": ${why}.`, { cause });
