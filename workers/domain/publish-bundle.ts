import type { BundleView } from '../../shared/api.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { TrunklineError } from '../../shared/errors.ts';
import { manifest, type BundleFile, type Manifest } from '../../shared/manifest.ts';
import { findBundle, insertBundle, type BundleRow } from '../store/bundles.ts';
import { isDuplicate } from '../store/database.ts';
import { readBlobRange, writeManifest } from '../store/publish.ts';
import { blobSize } from '../store/published.ts';
import type { Stores } from '../store/stores.ts';
import type { Change } from './change.ts';
import { explainIssues } from '../../shared/explain-issues.ts';
import { findOnnxFault } from './onnx-check.ts';

/**
 * Publishes a bundle whose blobs are stored: everything is checked, then the manifest is written, then the row.
 * Its id is the digest of the manifest's bytes, so the same manifest again changes nothing.
 *
 * @throws {TrunklineError} `invalid` for bytes that are not JSON; `unprocessable` for a manifest that breaks its schema,
 *   a file that is missing or of another size, or a graph that is not an ONNX model
 */
export async function publishBundle(
  stores: Stores,
  bytes: Uint8Array<ArrayBuffer>,
  by: Change,
): Promise<{ created: boolean; bundle: BundleView }> {
  const bundle = parseManifest(bytes);
  const id = await sha256Hex(bytes);
  const known = await findBundle(stores.db, id);
  if (known !== undefined) return { created: false, bundle: viewOfBundle(known) };

  await checkFiles(stores.bucket, bundle);
  await writeManifest(stores.bucket, id, bytes);
  const row = {
    id,
    name: bundle.name,
    tasks: bundle.heads.map((head) => head.task),
    inputs: bundle.inputs,
    sizeBytes: distinctFiles(bundle).reduce((sum, file) => sum + file.sizeBytes, 0),
    publishedAt: by.at,
  };
  const detail = { name: row.name, tasks: row.tasks };
  try {
    await insertBundle(stores.db, row, { ...by, action: 'bundle.publish', subject: id, detail });
  } catch (error) {
    // Somebody published the same bytes at the same time: theirs is the row that counts.
    const winner = isDuplicate(error) ? await findBundle(stores.db, id) : undefined;
    if (winner === undefined) throw error;
    return { created: false, bundle: viewOfBundle(winner) };
  }
  return { created: true, bundle: row };
}

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

/** Every file is stored with the stated size, and the graphs among them are ONNX. Digests were checked when they came in. */
async function checkFiles(bucket: R2Bucket, bundle: Manifest): Promise<void> {
  const refuse = (why: string): never => {
    throw new TrunklineError('unprocessable', `Cannot publish bundle "${bundle.name}": ${why}.`);
  };
  const sizes = await Promise.all(bundle.files.map((file) => blobSize(bucket, file.sha256)));
  for (const [i, file] of bundle.files.entries()) {
    const size = sizes[i] ?? null;
    if (size === null) refuse(`file "${file.path}" is not stored: blob ${file.sha256} is missing`);
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
