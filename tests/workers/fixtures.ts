import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { sha256Hex } from '../../shared/digest.ts';
import type { Head, Manifest, TensorSpec } from '../../shared/manifest.ts';
import type { Change } from '../../workers/domain/change.ts';
import { publishBundle } from '../../workers/domain/publish-bundle.ts';
import { storeBlob } from '../../workers/domain/store-blob.ts';
import { openStores, type Stores } from '../../workers/store/stores.ts';

/** The stores of this test file, with the tables in place. */
export async function freshStores(): Promise<Stores> {
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  return openStores({
    d1: env.DB,
    bucket: env.BUNDLES,
    kv: env.ROUTING,
    deadLetters: env.DEAD_LETTERS,
    signer: null,
  });
}

export const by: Change = { actor: 'tester', at: '2026-01-02T03:04:05.000Z' };

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new TextEncoder().encode(text));

/** A length-delimited protobuf field of fewer than 128 bytes. */
export const field = (number: number, content: readonly number[]): number[] => [
  number * 8 + 2,
  content.length,
  ...content,
];

/** The smallest thing that is an ONNX model by its outer fields: ir_version 9, a graph with a name, opset 17. */
export const tinyModel = (graphName = 'g'): Uint8Array<ArrayBuffer> =>
  new Uint8Array([8, 9, ...field(7, field(2, [...bytesOf(graphName)])), ...field(8, [16, 17])]);

export const image: TensorSpec = { name: 'image', dtype: 'float32', dims: [-1, 1, 28, 28] };

export async function put(stores: Stores, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const sha256 = await sha256Hex(content);
  const body = new Response(content).body;
  await storeBlob(stores, { sha256, sizeBytes: content.length, body }, 1e6, by);
  return sha256;
}

/** A manifest of separate heads, one file each. The files are the tiny model under the task's name, and not stored. */
export async function manifestOf(
  tasks: string[],
  { name = 'pair', input = image }: { name?: string; input?: TensorSpec } = {},
): Promise<Manifest> {
  const heads = tasks.map((task): Head => ({
    task,
    graph: `${task}.onnx`,
    weights: [],
    inputs: [input],
    output: { name: `${task}-logits`, dtype: 'float32', dims: [-1, 10] },
    macs: 1,
    parameters: 1,
    labels: [],
    accuracy: null,
  }));
  const files = tasks.map(async (task) => {
    const content = tinyModel(task);
    return { path: `${task}.onnx`, sha256: await sha256Hex(content), sizeBytes: content.length };
  });
  return {
    format: 'trunkline.bundle/1',
    name,
    createdAt: '2026-01-02T03:04:05.000Z',
    inputs: [input],
    trunk: null,
    heads,
    files: await Promise.all(files),
    preprocessing: 'none',
    recipe: null,
    lineage: { models: [{ task: 'digit', name: 'a', sha256: 'a'.repeat(64) }], retrainingSteps: 0 },
    sharing: [],
    parity: { maxAbsDifference: 0, tolerance: 1e-4, samples: 1 },
  };
}

/** Stores the files and publishes a bundle of these tasks; returns its id. */
export async function publish(
  stores: Stores,
  tasks: string[],
  options: { name?: string; input?: TensorSpec } = {},
): Promise<string> {
  for (const task of tasks) await put(stores, tinyModel(task));
  const bytes = bytesOf(JSON.stringify(await manifestOf(tasks, options)));
  return (await publishBundle(stores, bytes, by)).bundle.id;
}

/** A binding whose named methods fail, as when the platform has an outage. The others work. */
export function broken<T extends object>(binding: T, ...methods: (keyof T)[]): T {
  return new Proxy(binding, {
    get(target, property) {
      if (methods.includes(property as keyof T)) {
        return () => {
          throw new Error('the platform is out of order');
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
