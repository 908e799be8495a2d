import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkManifest, sha256, type Bundle } from './bundle.ts';

/** Larger than the record of 100,000 shared channels; keeps a wrong path from being read into memory. */
const largestManifestBytes = 16 * 2 ** 20;

/**
 * Reads a bundle's folder and checks all of it: the manifest's schema, each file's size and digest.
 *
 * @throws {Error} naming the file that is missing or not what the manifest says
 */
export async function readBundle(folder: string): Promise<Bundle> {
  const refuse = (reason: string, cause?: unknown): Error =>
    new Error(`Cannot read bundle ${folder}: ${reason}`, { cause });
  const read = async (path: string, expectedBytes?: number): Promise<Uint8Array<ArrayBuffer>> => {
    const at = join(folder, path);
    const info = await stat(at).catch((cause: unknown) => {
      throw refuse(`${path} is missing`, cause);
    });
    if (!info.isFile()) throw refuse(`${path} is not a file`);
    if (expectedBytes === undefined && info.size > largestManifestBytes)
      throw refuse(`${path} has ${info.size} bytes, the limit is ${largestManifestBytes}`);
    if (expectedBytes !== undefined && info.size !== expectedBytes)
      throw refuse(`${path} has ${info.size} bytes, the manifest says ${expectedBytes}`);
    return new Uint8Array(await readFile(at));
  };

  const manifestBytes = await read('manifest.json');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(manifestBytes));
  } catch (cause) {
    throw refuse('manifest.json is not JSON', cause);
  }
  const manifest = checkManifest(json, `read bundle ${folder}`);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { path, sha256: expected, sizeBytes } of manifest.files) {
    const bytes = await read(path, sizeBytes);
    const digest = sha256(bytes);
    if (digest !== expected) throw refuse(`${path} has the digest ${digest}, the manifest says ${expected}`);
    files.set(path, bytes);
  }
  return { id: sha256(manifestBytes), manifest, manifestBytes, files };
}
