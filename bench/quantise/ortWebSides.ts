import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Ort from 'onnxruntime-web';
import { readTask, taskNames, type TaskName } from '../../examples/tasks.ts';
import { largestOf } from '../../gpu-runner/bundle/quantise/measure.ts';
import { manifest as manifestSchema, type Manifest } from '../../shared/manifest.ts';

/** Bundle folders that together answer all tasks. */
export type Side = readonly string[];

export interface SidesJob {
  readonly sides: readonly Side[];
  /** Passes that are timed, of each side in turn. */
  readonly rounds: number;
  /** Held-out images of each task; 0: no accuracy is measured. */
  readonly images: number;
}

export interface SidesAnswer {
  /** Of one pass of all tasks on one image, by side, by round. */
  readonly milliseconds: readonly (readonly number[])[];
  /** Share of images answered right (0 to 1), by side, by task. */
  readonly accuracy: readonly Readonly<Record<string, number>>[];
  /** WebAssembly memory at the end, all sides together. */
  readonly heapBytes: number;
}

/** Runs sides in ONNX Runtime Web as it comes (WebAssembly, one thread), in a process of its own. */
export function runSides(job: SidesJob): Promise<SidesAnswer> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--child'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.once('message', (answer) => resolve(answer as SidesAnswer));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`Cannot run ONNX Runtime Web: its process ended with code ${code}`)),
    );
    child.send(job);
  });
}

/** Answers of all of a bundle's tasks, by task. */
type Forward = (image: Ort.Tensor) => Promise<Map<string, Float32Array>>;

async function load(ort: typeof Ort, folder: string): Promise<Forward> {
  const { trunk, heads, inputs } = manifestSchema.parse(
    JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')),
  );
  const session = async ({
    graph,
    weights,
  }: Pick<Manifest['heads'][number], 'graph' | 'weights'>): Promise<Ort.InferenceSession> =>
    ort.InferenceSession.create(new Uint8Array(await readFile(join(folder, graph))), {
      executionProviders: ['wasm'],
      externalData: await Promise.all(
        weights.map(async (path) => ({ path, data: new Uint8Array(await readFile(join(folder, path))) })),
      ),
    });
  const first = trunk && (await session(trunk));
  const rest: { readonly head: Manifest['heads'][number]; readonly session: Ort.InferenceSession }[] = [];
  for (const head of heads) rest.push({ head, session: await session(head) });
  return async (image) => {
    const given = { [inputs[0]?.name ?? '']: image };
    const values: Record<string, Ort.Tensor | undefined> = {
      ...given,
      ...(first && (await first.run(given))),
    };
    const answers = new Map<string, Float32Array>();
    for (const { head, session: own } of rest) {
      const feeds = Object.fromEntries(
        own.inputNames.flatMap((name) => (values[name] ? [[name, values[name]]] : [])),
      );
      const answer = (await own.run(feeds))[head.output.name];
      answers.set(head.task, (await answer?.getData()) as Float32Array);
    }
    return answers;
  };
}

/** Share of a task's first held-out images that a side answers right. */
async function accuracyOf(
  ort: typeof Ort,
  side: readonly Forward[],
  task: TaskName,
  images: number,
): Promise<number> {
  const { test } = await readTask(task);
  const size = Math.min(images, test.size);
  let right = 0;
  for (let sample = 0; sample < size; sample += 1) {
    const image = new ort.Tensor('float32', Float32Array.from(test.inputs([sample])), [
      1,
      ...test.sampleDims,
    ]);
    for (const forward of side) {
      const answer = (await forward(image)).get(task);
      if (answer && largestOf(answer) === test.labels[sample]) right += 1;
    }
  }
  return right / size;
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

const warmUp = 10;

async function answer({ sides, rounds, images }: SidesJob): Promise<SidesAnswer> {
  const memories = watchMemories();
  const ort = (await import('onnxruntime-web/wasm')) as typeof Ort;
  ort.env.wasm.numThreads = 1;
  const passes: Forward[][] = [];
  for (const side of sides) {
    const loaded: Forward[] = [];
    for (const folder of side) loaded.push(await load(ort, folder));
    passes.push(loaded);
  }
  const pixels = Float32Array.from({ length: 28 * 28 }, (_, index) => (index % 17) / 17);
  const image = new ort.Tensor('float32', pixels, [1, 1, 28, 28]);
  const milliseconds = passes.map((): number[] => []);
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [side, forwards] of passes.entries()) {
      const started = performance.now();
      for (const forward of forwards) await forward(image);
      if (round >= 0) milliseconds[side]?.push(performance.now() - started);
    }
  }
  const accuracy: Record<string, number>[] = [];
  for (const side of images > 0 ? passes : []) {
    const own: Record<string, number> = {};
    for (const task of taskNames) own[task] = await accuracyOf(ort, side, task, images);
    accuracy.push(own);
  }
  const heapBytes = memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  return { milliseconds, accuracy, heapBytes };
}

if (process.argv[2] === '--child') {
  process.once('message', (job) => {
    void answer(job as SidesJob).then((result) => process.send?.(result, () => process.exit(0)));
  });
}
