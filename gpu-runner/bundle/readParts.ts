import type { Manifest } from '../../shared/manifest.ts';
import type { Graph } from '../onnx/graph.ts';
import { readModel } from '../onnx/read.ts';
import type { Bundle } from './bundle.ts';
import type { Parts } from './quantise/parts.ts';

/**
 * A bundle's trunk and heads as graphs, their weights as they are stored. Heads are in the manifest's order.
 *
 * @throws {Error} naming the file that is missing or cannot be read
 */
export function readParts({ manifest, files }: Pick<Bundle, 'manifest' | 'files'>): Parts {
  const read = ({ graph }: Pick<Manifest['heads'][number], 'graph'>): Graph => {
    try {
      return readModel(contents(graph), { externalData: contents });
    } catch (cause) {
      throw new Error(`Cannot read ${graph}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  };
  const contents = (path: string): Uint8Array => {
    const bytes = files.get(path);
    if (!bytes) throw new Error(`the bundle has no file ${path}`);
    return bytes;
  };
  const { trunk, heads } = manifest;
  return {
    trunk: trunk && read(trunk),
    heads: heads.map((head) => ({ task: head.task, graph: read(head) })),
  };
}
