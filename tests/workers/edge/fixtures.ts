import { sha256Hex } from '../../../shared/digest.ts';
import { manifest as manifestSchema, type Manifest, type TensorSpec } from '../../../shared/manifest.ts';
import type { RoutingInput } from '../../../shared/routing.ts';
import type { Endpoint, Task } from '../../../workers/edge/endpoint.ts';
import { blobKey, manifestKey, routingKey } from '../../../workers/store/published.ts';

export const image: TensorSpec = { name: 'image', dtype: 'float32', dims: [-1, 2, 3] };

export const digest = (digit: string): string => digit.repeat(64);

/** A bundle of two tasks; the sizes of its files can be chosen. */
export function twoTaskManifest(changes: Partial<Manifest> = {}, sizeBytes = 100): Manifest {
  const inputs = changes.inputs ?? [image];
  const features: TensorSpec = { name: 'features', dtype: 'float32', dims: [-1, 8] };
  const sizes = { macs: 1, parameters: 1 };
  const head = (task: string, labels: string[]): Manifest['heads'][number] => ({
    ...sizes,
    task,
    graph: `${task}.onnx`,
    weights: [`${task}.weights`],
    inputs: [features],
    output: { name: `${task}_logits`, dtype: 'float32', dims: [-1, labels.length] },
    labels,
    accuracy: null,
  });
  const paths = ['trunk', 'digit', 'fashion'].flatMap((part) => [`${part}.onnx`, `${part}.weights`]);
  return manifestSchema.parse({
    format: 'trunkline.bundle/1',
    name: 'two',
    createdAt: '2026-01-01T00:00:00Z',
    inputs,
    trunk: { ...sizes, graph: 'trunk.onnx', weights: ['trunk.weights'], inputs, taps: [features] },
    heads: [head('digit', ['zero', 'one', 'two']), head('fashion', ['shirt', 'coat'])],
    files: paths.map((path, i) => ({ path, sha256: digest(String(i)), sizeBytes })),
    preprocessing: 'none',
    recipe: null,
    lineage: { models: [{ task: 'digit', name: 'digit', sha256: digest('a') }], retrainingSteps: 0 },
    sharing: [],
    parity: { maxAbsDifference: 0, tolerance: 1e-5, samples: 1 },
    ...changes,
  } satisfies Manifest);
}

/** An endpoint that serves every task of the manifest. */
export function endpointOf(manifest: Manifest, bundleId = digest('b')): Endpoint {
  const tasks = manifest.heads.map((head): [string, Task] => [
    head.task,
    { name: head.task, bundleId, manifest, head },
  ]);
  return {
    name: 'pair',
    project: 'default',
    revision: 3,
    inputs: manifest.inputs,
    tasks: new Map(tasks),
    experiments: [],
  };
}

export async function putManifest(bucket: R2Bucket, manifest: Manifest): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const id = await sha256Hex(new Uint8Array(bytes));
  await bucket.put(manifestKey(id), bytes);
  return id;
}

export async function putBlob(bucket: R2Bucket, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const sha256 = await sha256Hex(bytes);
  await bucket.put(blobKey(sha256), bytes);
  return sha256;
}

export async function putRouting(kv: KVNamespace, routing: RoutingInput): Promise<void> {
  await kv.put(routingKey(routing.endpoint), JSON.stringify(routing));
}
