import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Ort from 'onnxruntime-web';
import type { Manifest } from '../../shared/manifest.ts';
import { elementCount } from '../../shared/tensor.ts';
import { median } from './quantile.ts';

/** One bundle folder and its manifest. */
export interface BundleFolder {
  readonly folder: string;
  readonly manifest: Manifest;
}

export interface OrtWebFigures {
  /** Median of one forward pass of all tasks on one image, ms: `first` and `second` in turn, in one process. */
  readonly firstMs: number;
  readonly secondMs: number;
  /** Median of the ratios second / first of neighbouring passes. */
  readonly ratio: number;
}

interface Job {
  readonly sides: readonly (readonly BundleFolder[])[];
  readonly rounds: number;
}

interface Answer {
  readonly milliseconds: readonly (readonly number[])[];
  readonly heapBytes: number;
}

/**
 * ONNX Runtime Web's own time (WebAssembly, one thread, no HTTP) for both sides, interleaved round by round in a
 * process of their own.
 */
export async function timeOrtWeb(
  first: readonly BundleFolder[],
  second: readonly BundleFolder[],
  rounds: number,
): Promise<OrtWebFigures> {
  const { milliseconds } = await inChild({ sides: [first, second], rounds });
  const [a = [], b = []] = milliseconds;
  return {
    firstMs: median(a),
    secondMs: median(b),
    ratio: median(a.map((value, round) => (b[round] ?? NaN) / value)),
  };
}

/** Bytes of ONNX Runtime Web's WebAssembly memory after every task was answered, in a process of its own. */
export async function ortWebHeapBytes(side: readonly BundleFolder[]): Promise<number> {
  return (await inChild({ sides: [side], rounds: 3 })).heapBytes;
}

function inChild(job: Job): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--child'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.once('message', (answer) => resolve(answer as Answer));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`Cannot time ONNX Runtime Web: its process ended with code ${code}`)),
    );
    child.send(job);
  });
}

type Forward = () => Promise<void>;

/** Loads a bundle and returns one forward pass: the trunk once, then every head. */
async function load(ort: typeof Ort, { folder, manifest }: BundleFolder): Promise<Forward> {
  const session = async (part: {
    graph: string;
    weights: readonly string[];
  }): Promise<Ort.InferenceSession> => {
    const externalData = await Promise.all(
      part.weights.map(async (path) => ({ path, data: new Uint8Array(await readFile(join(folder, path))) })),
    );
    const model = new Uint8Array(await readFile(join(folder, part.graph)));
    return ort.InferenceSession.create(model, { executionProviders: ['wasm'], externalData });
  };
  const feeds: Record<string, Ort.Tensor> = {};
  for (const { name, dims } of manifest.inputs) {
    const shape = dims.map((dim) => (dim === -1 ? 1 : dim));
    const data = Float32Array.from({ length: elementCount(shape) }, (_, index) => (index % 17) / 17);
    feeds[name] = new ort.Tensor('float32', data, shape);
  }
  const trunk = manifest.trunk ? await session(manifest.trunk) : null;
  const heads = await Promise.all(
    manifest.heads.map(async (head) => ({ head, session: await session(head) })),
  );
  return async () => {
    const values: Record<string, Ort.Tensor> = { ...feeds, ...(trunk ? await trunk.run(feeds) : {}) };
    for (const { head, session } of heads) {
      const inputs = Object.fromEntries(head.inputs.map(({ name }) => [name, values[name] as Ort.Tensor]));
      await session.run(inputs);
    }
  };
}

// Node's types do not name WebAssembly.
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
interface WasmNamespace {
  Memory: new (descriptor: object) => WasmMemory;
}

/** Every WebAssembly memory that is made from now on. */
function watchMemories(): readonly WasmMemory[] {
  const memories: WasmMemory[] = [];
  const wasm = (globalThis as unknown as { WebAssembly: WasmNamespace }).WebAssembly;
  wasm.Memory = class extends wasm.Memory {
    constructor(descriptor: object) {
      super(descriptor);
      memories.push(this);
    }
  };
  return memories;
}

async function answer({ sides, rounds }: Job): Promise<Answer> {
  const memories = watchMemories();
  const ort = (await import('onnxruntime-web/wasm')) as typeof Ort;
  ort.env.wasm.numThreads = 1;
  const passes: Forward[][] = [];
  for (const side of sides) {
    const loaded: Forward[] = [];
    for (const bundle of side) loaded.push(await load(ort, bundle));
    passes.push(loaded);
  }
  const milliseconds = passes.map((): number[] => []);
  const warmUp = 10;
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [side, forwards] of passes.entries()) {
      const started = performance.now();
      for (const forward of forwards) await forward();
      if (round >= 0) milliseconds[side]?.push(performance.now() - started);
    }
  }
  return { milliseconds, heapBytes: memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
}

if (process.argv[2] === '--child') {
  process.once('message', (job) => {
    void answer(job as Job).then((result) => process.send?.(result, () => process.exit(0)));
  });
}
