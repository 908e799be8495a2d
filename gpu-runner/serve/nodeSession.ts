import { TrunklineError } from '../../shared/errors.ts';
import type { BundleFile } from '../../shared/manifest.ts';
import type { Session } from '../../workers/edge/backend.ts';
import type { Part } from '../../workers/edge/part.ts';
import type { Provider } from '../engine/providers.ts';
import { createSession } from '../engine/session.ts';

export interface NodeSessionOptions {
  readonly provider: Provider;
  /** Threads of one operator; one a core when left out. */
  readonly threads?: number;
}

/**
 * Loads a part into the native ONNX Runtime: the edge's `openSession`, for Node.
 *
 * @throws {TrunklineError} `unavailable`, when a file is missing or altered, or ONNX Runtime refuses the graph
 */
export async function openNodeSession(
  part: Part,
  loadFile: (file: BundleFile) => Promise<Uint8Array>,
  options: NodeSessionOptions,
): Promise<Session> {
  const refuse = (why: string, cause?: unknown): TrunklineError =>
    new TrunklineError('unavailable', `Cannot load ${part.label}: ${why}`, { cause });
  const graph = await loadFile(part.graph);
  const externalData: Record<string, Uint8Array> = {};
  for (const file of part.weights) externalData[file.path] = await loadFile(file);
  const session = await createSession(graph, { ...options, externalData }).catch((error: unknown) => {
    throw refuse(`ONNX Runtime refuses ${part.graph.path}: ${reason(error)}`, error);
  });

  const missing = [
    ...part.inputs.filter((name) => !session.inputNames.includes(name)),
    ...part.outputs.filter((name) => !session.outputNames.includes(name)),
  ];
  if (missing.length > 0) {
    await session.release();
    throw refuse(`the manifest names ${missing.join(', ')}, which ${part.graph.path} does not have`);
  }
  return {
    run: (feeds, wanted) =>
      session.run(feeds, wanted).catch((error: unknown) => {
        throw new TrunklineError('invalid', `Cannot run ${part.label} on these inputs: ${reason(error)}`, {
          cause: error,
        });
      }),
    release: () => session.release(),
  };
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
