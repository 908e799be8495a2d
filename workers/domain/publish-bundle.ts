import type { BundleView } from '../../shared/api.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { manifest, type BundleFile, type Manifest } from '../../shared/manifest.ts';
import type { RegisteredVersion } from '../../shared/registry.ts';
import { ownedSizes } from '../store/blobs.ts';
import { announceManifest, findBundle, insertBundle, type BundleRow } from '../store/bundles.ts';
import { isDuplicate, isMissingReference } from '../store/database.ts';
import type { ItemKey } from '../store/items.ts';
import { findModels } from '../store/lineage.ts';
import { readBlobRange, writeManifest, writeSignature } from '../store/publish.ts';
import { readSignature } from '../store/published.ts';
import { asking } from '../store/retry.ts';
import type { Stores } from '../store/stores.ts';
import { findVersionByDigest, insertVersionStatements, type Parent } from '../store/versions.ts';
import { projectOf, type Change } from './change.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { findOnnxFault } from './onnx-check.ts';

/** What came of publishing. */
export interface Published {
  created: boolean;
  bundle: BundleView;
  /** The version of its name that the bundle is. */
  version: RegisteredVersion;
}

/**
 * Publishes a bundle whose blobs are stored: everything is checked, then the manifest is signed and written, then the
 * rows: the bundle and the version of its name that it becomes. Its id is the digest of the manifest's bytes, so the same
 * manifest again changes nothing, but is signed anew where its signature is missing or of another key.
 *
 * @param parents what it was made from; models that the manifest names are found without
 * @throws {TrunklineError} `invalid` for bytes that are not JSON; `unprocessable` for a manifest that breaks its schema,
 *   a file that this project has not stored or that has another size, or a graph that is not an ONNX model
 */
export async function publishBundle(
  stores: Stores,
  bytes: Uint8Array<ArrayBuffer>,
  by: Change,
  parents: readonly Parent[] = [],
): Promise<Published> {
  const { db } = stores;
  const document = parseManifest(bytes);
  const id = await sha256Hex(bytes);
  const key = { project: projectOf(by), kind: 'bundles', name: document.name } as const;
  const known = await findBundle(db, id);
  const version = known && (await findVersionByDigest(db, key, id));
  if (known !== undefined && version !== undefined) {
    await seal(stores, id, bytes);
    return { created: false, bundle: viewOfBundle(known), version: viewOfRegistered(version) };
  }

  await checkFiles(stores, key.project, document);
  const generation = await announceManifest(db, id, by.at);
  await seal(stores, id, bytes);
  await writeManifest(stores.bucket, id, bytes);
  const row = {
    id,
    name: document.name,
    tasks: document.heads.map((head) => head.task),
    inputs: document.inputs,
    sizeBytes: distinctFiles(document).reduce((sum, file) => sum + file.sizeBytes, 0),
    publishedAt: by.at,
  };
  const statements = insertVersionStatements(
    db,
    {
      ...key,
      digest: id,
      document: { bundle: id },
      sizeBytes: row.sizeBytes,
      files: [],
      parents: await parentsOf(stores, key.project, document, parents),
    },
    by,
  );
  try {
    if (known !== undefined) await db.batch(statements);
    else {
      const detail = { name: row.name, tasks: row.tasks };
      const entry = { ...by, action: 'bundle.publish' as const, subject: id, detail };
      await insertBundle(db, { row, generation, files: document.files }, entry, statements);
    }
  } catch (cause) {
    if (isMissingReference(cause)) {
      throw new TrunklineError(
        'unavailable',
        `Cannot publish bundle "${document.name}": a part of it was deleted at the same time; send it again.`,
        { cause },
      );
    }
    // Somebody published the same bytes at the same time: theirs are the rows that count.
    if (!isDuplicate(cause)) throw cause;
    return { ...(await needPublished(stores, key, id, cause)), created: false };
  }
  return { ...(await needPublished(stores, key, id)), created: true };
}

async function needPublished(
  { db }: Stores,
  key: ItemKey,
  id: string,
  cause?: unknown,
): Promise<Omit<Published, 'created'>> {
  const bundle = await findBundle(db, id);
  const version = await findVersionByDigest(db, key, id);
  if (bundle === undefined || version === undefined) {
    const why = `bundle ${id} was published for another project at the same time; send it again`;
    throw new TrunklineError('unavailable', `Cannot publish bundle "${key.name}": ${why}.`, { cause });
  }
  return { bundle: viewOfBundle(bundle), version: viewOfRegistered(version) };
}

/** Signs the manifest unless it is signed with the key in use already. */
async function seal({ bucket, signer }: Stores, id: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (signer === null) return;
  const present = await asking(`read the signature of bundle ${id}`, () => readSignature(bucket, id));
  const signature = await signer.sign(bytes);
  // Ed25519 signs the same bytes with the same key the same way.
  if (present !== JSON.stringify(signature)) await writeSignature(bucket, id, signature);
}

/** What was said to be its parents, and models that the manifest names for tasks that nothing was said of. */
async function parentsOf(
  { db }: Stores,
  project: string,
  { lineage }: Manifest,
  said: readonly Parent[],
): Promise<Parent[]> {
  const known = new Set(said.flatMap(({ role, task }) => (role === 'model' && task !== null ? [task] : [])));
  const unsaid = lineage.models.filter(({ task }) => !known.has(task));
  return [...said, ...(await findModels(db, project, unsaid))];
}

const viewOfRegistered = ({ name, version, digest }: RegisteredVersion): RegisteredVersion => ({
  name,
  version,
  digest,
});

export const viewOfBundle = ({ id, name, tasks, inputs, sizeBytes, publishedAt }: BundleRow): BundleView => ({
  id,
  name,
  tasks,
  inputs,
  sizeBytes,
  publishedAt,
});

function parseManifest(bytes: Uint8Array<ArrayBuffer>): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    throw new TrunklineError('invalid', 'Cannot publish the bundle: its manifest is not JSON in UTF-8.', {
      cause,
    });
  }
  const parsed = manifest.safeParse(value);
  if (!parsed.success) {
    throw new TrunklineError('unprocessable', `Cannot publish the bundle: ${explainIssues(parsed.error)}.`);
  }
  return parsed.data;
}

/**
 * Every file is a blob of the project with the stated size, and the graphs among them are ONNX. Digests were checked when
 * they came in.
 */
async function checkFiles({ db, bucket }: Stores, project: string, bundle: Manifest): Promise<void> {
  const refuse = (why: string): never => {
    throw new TrunklineError('unprocessable', `Cannot publish bundle "${bundle.name}": ${why}.`);
  };
  const sizes = await ownedSizes(
    db,
    project,
    bundle.files.map((file) => file.sha256),
  );
  for (const file of bundle.files) {
    const size = sizes.get(file.sha256);
    if (size === undefined) refuse(`file "${file.path}" is not stored: blob ${file.sha256} is missing`);
    if (size !== file.sizeBytes) {
      refuse(`file "${file.path}" has ${size} bytes, the manifest says ${file.sizeBytes}`);
    }
  }
  const graphs = new Set(
    [...(bundle.trunk ? [bundle.trunk] : []), ...bundle.heads].map((part) => part.graph),
  );
  for (const file of bundle.files.filter(({ path }) => graphs.has(path))) {
    const fault = await findOnnxFault(file.sizeBytes, (offset, length) =>
      readBlobRange(bucket, file.sha256, { offset, length }),
    );
    if (fault !== null) refuse(`file "${file.path}" is not an ONNX model: it ${fault}`);
  }
}

const distinctFiles = (bundle: Manifest): BundleFile[] => [
  ...new Map(bundle.files.map((file) => [file.sha256, file])).values(),
];
