import { TrunklineError } from '../../shared/errors.ts';
import { widenedPerStoredByte } from '../../shared/heap.ts';
import type { BundleFile, Manifest } from '../../shared/manifest.ts';
import type { Endpoint, Task } from './endpoint.ts';
import { shortId } from './loader.ts';

/** A trunk or a head: one ONNX graph and the files its weights lie in. */
export interface Part {
  /** The same part of the same bundle has the same key. */
  readonly key: string;
  /** For messages: `head "digit" of bundle 0123456789ab`. */
  readonly label: string;
  /** Which task a head answers; null for the trunk. */
  readonly task: string | null;
  readonly graph: BundleFile;
  readonly weights: readonly BundleFile[];
  /** Weights are stored as float16: ONNX Runtime widens them when it loads them and holds both forms. */
  readonly widens: boolean;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export const partBytes = (part: Part): number =>
  part.graph.sizeBytes + part.weights.reduce((sum, file) => sum + file.sizeBytes, 0);

/** What a part counts for in the runtime's heap, as bytes of float32 weights. */
export const heldBytes = (part: Part): number => partBytes(part) * (part.widens ? widenedPerStoredByte : 1);

/**
 * What has to run to answer the tasks named in `asked`: for each bundle among them its parts in order, the trunk before
 * the heads. Parts that no asked task needs are not listed.
 *
 * @throws {TrunklineError} `invalid`, for a task the endpoint does not have.
 */
export function partsFor(endpoint: Endpoint, asked: readonly string[]): Part[][] {
  const byBundle = new Map<string, Task[]>();
  for (const name of asked) {
    const task = endpoint.tasks.get(name);
    if (!task) {
      const known = [...endpoint.tasks.keys()].join(', ');
      throw new TrunklineError('invalid', `Unknown output "${name}": ${endpoint.name} answers ${known}`);
    }
    byBundle.set(task.bundleId, [...(byBundle.get(task.bundleId) ?? []), task]);
  }
  return Array.from(byBundle, ([bundleId, tasks]) =>
    tasks[0] ? partsOf(bundleId, tasks[0].manifest, tasks) : [],
  );
}

function partsOf(bundleId: string, manifest: Manifest, tasks: readonly Task[]): Part[] {
  const files = new Map(manifest.files.map((file) => [file.path, file]));
  const file = (path: string): BundleFile => {
    const found = files.get(path);
    // The manifest's schema promises this; a broken promise is a bug.
    if (!found) throw new TrunklineError('internal', `Bundle ${shortId(bundleId)} has no file ${path}`);
    return found;
  };
  const part = (
    task: string | null,
    subgraph: { graph: string; weights: string[]; inputs: { name: string }[] },
    outputs: string[],
  ): Part => ({
    key: `${bundleId}/${task === null ? 'trunk' : `head/${task}`}`,
    label: `${task === null ? 'the trunk' : `head "${task}"`} of bundle ${shortId(bundleId)}`,
    task,
    graph: file(subgraph.graph),
    weights: subgraph.weights.map(file),
    widens: manifest.storage === 'float16',
    inputs: subgraph.inputs.map((input) => input.name),
    outputs,
  });

  const { trunk } = manifest;
  // Taps that no asked head reads stay inside the runtime.
  const read = new Set(tasks.flatMap(({ head }) => head.inputs.map((input) => input.name)));
  const taps = trunk?.taps.map((tap) => tap.name).filter((tap) => read.has(tap)) ?? [];
  return [
    ...(trunk && taps.length > 0 ? [part(null, trunk, taps)] : []),
    ...tasks.map(({ name, head }) => part(name, head, [head.output.name])),
  ];
}
