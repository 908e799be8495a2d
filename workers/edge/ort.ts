import * as ort from 'onnxruntime-web/wasm';
import { TrunklineError } from '../../shared/errors.ts';
import wasm from './dist/ort.wasm';
import { limits } from './limits.ts';
import { Serial } from './serial.ts';

// ONNX Runtime Web inside a Worker. A Worker may not compile WebAssembly from bytes, has no import.meta.url and is not
// promised shared memory; the stock package counts on all three. While it starts, and only then, three globals are
// replaced: WebAssembly.instantiate hands out the module compiled at deployment, WebAssembly.Memory makes the unshared
// memory which that module imports (scripts/unshare-wasm.ts) and caps it, and Atomics.waitAsync is hidden, because on
// unshared memory the runtime would wait for ever.

export interface Runtime {
  /** The heap of all sessions. It grows up to `limits.heapBytes` and never shrinks. */
  readonly memory: WebAssembly.Memory;
  /**
   * Every call into the runtime goes through here. Creating a session mounts its external data in a table that all
   * sessions share, and a run keeps its arguments on the module's one stack across awaits: neither may be interleaved.
   */
  readonly exclusive: Serial;
}

let starting: Promise<Runtime> | undefined;

/**
 * The isolate's one runtime, started by the first call.
 *
 * @throws {TrunklineError} `unavailable`, on this and every later call, when it could not start: the package cannot try
 *   twice in one isolate.
 */
export const startRuntime = (): Promise<Runtime> => (starting ??= start());

const pageBytes = 65_536;
/** Given to the package as "the wasm file". Recognised by identity when it comes back; its bytes are never read. */
const sentinel = new ArrayBuffer(8);

type Instantiate = (source: unknown, imports?: WebAssembly.Imports) => Promise<unknown>;

async function start(): Promise<Runtime> {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmBinary = sentinel;

  const memories: WebAssembly.Memory[] = [];
  const OriginalMemory = WebAssembly.Memory;
  const originalInstantiate = WebAssembly.instantiate as Instantiate;
  const undo = [
    replace(WebAssembly, 'instantiate', async (source: unknown, imports?: WebAssembly.Imports) =>
      source instanceof Uint8Array && source.buffer === sentinel
        ? { module: wasm, instance: await originalInstantiate(wasm, imports) }
        : originalInstantiate(source, imports),
    ),
    replace(WebAssembly, 'Memory', function (descriptor: WebAssembly.MemoryDescriptor) {
      const maximum = Math.min(descriptor.maximum ?? Infinity, limits.heapBytes / pageBytes);
      const memory = new OriginalMemory({ initial: descriptor.initial, maximum });
      memories.push(memory);
      return memory;
    }),
    replace(Atomics, 'waitAsync', undefined),
  ];
  let failure: unknown;
  try {
    // No bytes make no session, but asking for one starts the runtime first.
    await ort.InferenceSession.create(new Uint8Array(0), { executionProviders: ['wasm'] });
  } catch (error) {
    failure = error;
  } finally {
    for (const restore of undo) restore();
  }
  // The module's memory is the last one made: without SharedArrayBuffer the package makes an empty one before it.
  const memory = memories.at(-1);
  // The runtime is up when it could read the (empty) model and name what is wrong with it.
  if (!memory || !(failure instanceof Error && failure.message.includes('ERROR_CODE'))) {
    throw new TrunklineError('unavailable', 'Cannot start ONNX Runtime in this isolate', { cause: failure });
  }
  return { memory, exclusive: new Serial() };
}

function replace(target: object, key: string, value: unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(target, key);
  Object.defineProperty(target, key, { value, configurable: true, writable: true });
  return () => {
    if (original) Object.defineProperty(target, key, original);
    else Reflect.deleteProperty(target, key);
  };
}
