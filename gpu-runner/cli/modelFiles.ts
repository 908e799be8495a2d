import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundleFile } from '../../shared/manifest.ts';
import type { Graph } from '../onnx/graph.ts';
import { readModelFile } from '../onnx/files.ts';
import { readModel } from '../onnx/read.ts';

/** A model on disk: the ONNX file first, then the data files its weights lie in. */
export interface ModelFiles {
  readonly graph: Graph;
  readonly files: readonly { readonly path: string; readonly file: string }[];
}

/**
 * Reads a model with its data files.
 *
 * @throws {Error} "Cannot use <file> as a model: ...", also when a file's name is none that a registry keeps
 */
export function readModelFiles(file: string): ModelFiles {
  const refuse = (why: string, cause?: unknown): Error =>
    new Error(`Cannot use ${file} as a model: ${why}`, { cause });
  if (!existsSync(file)) throw refuse('there is no such file');
  if (!file.endsWith('.onnx')) throw refuse('its name does not end in .onnx');
  try {
    // Checks that data files lie where they may.
    const graph = readModelFile(file);
    const folder = dirname(file);
    const locations = new Set<string>();
    readModel(readFileSync(file), {
      externalData(location) {
        locations.add(location);
        return readFileSync(join(folder, location));
      },
    });
    const files = [basename(file), ...locations].map((path) => ({ path, file: join(folder, path) }));
    for (const { path } of files) {
      if (!bundleFile.shape.path.safeParse(path).success)
        throw new Error(`"${path}" is no plain file name (letters, digits, ".", "_", "-")`);
    }
    return { graph, files };
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
}
