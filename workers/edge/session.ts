import * as ort from 'onnxruntime-web/wasm';
import { TrunklineError } from '../../shared/errors.ts';
import type { BundleFile } from '../../shared/manifest.ts';
import type { DataType, Tensor } from '../../shared/tensor.ts';
import type { Session, Tensors } from './backend.ts';
import { HeapFull, inMiB, limits } from './limits.ts';
import { startRuntime } from './ort.ts';
import { partBytes, type Part } from './part.ts';

/**
 * Loads a part into ONNX Runtime. The weights are handed over as external data, which costs a third of the memory of
 * weights inside the graph.
 *
 * @throws {TrunklineError} `unavailable`, when a file is missing or altered, or ONNX Runtime refuses the graph.
 */
export async function openSession(
  part: Part,
  loadFile: (file: BundleFile) => Promise<Uint8Array>,
): Promise<Session> {
  const { exclusive } = await startRuntime();
  const refuse = (why: string, cause?: unknown): TrunklineError =>
    new TrunklineError('unavailable', `Cannot load ${part.label}: ${why}`, { cause });

  const graph = await loadFile(part.graph);
  const externalData: { path: string; data: Uint8Array }[] = [];
  for (const file of part.weights) externalData.push({ path: file.path, data: await loadFile(file) });
  const sizeBytes = partBytes(part);
  const options = {
    // An unnamed provider could be another one than the tested one.
    executionProviders: ['wasm'],
    externalData,
    extra: { session: { disable_prepacking: sizeBytes > limits.packedPartBytes ? '1' : '0' } },
  };
  const session = await exclusive
    .run(() => ort.InferenceSession.create(graph, options))
    .catch((error: unknown) => {
      if (isOutOfMemory(error)) {
        throw new HeapFull(
          'unavailable',
          `Cannot load ${part.label}: ${inMiB(sizeBytes)} do not fit into the ${inMiB(limits.heapBytes)} of ONNX Runtime heap`,
          { cause: error },
        );
      }
      throw refuse(`ONNX Runtime refuses ${part.graph.path}: ${reason(error)}`, error);
    });

  const missing = [
    ...part.inputs.filter((name) => !session.inputNames.includes(name)),
    ...part.outputs.filter((name) => !session.outputNames.includes(name)),
  ];
  if (missing.length > 0) {
    await exclusive.run(() => session.release());
    throw refuse(`the manifest names ${missing.join(', ')}, which ${part.graph.path} does not have`);
  }
  return {
    run: (feeds, wanted) => exclusive.run(() => run(session, part, feeds, wanted)),
    release: () => exclusive.run(() => session.release()),
  };
}

async function run(
  session: ort.InferenceSession,
  part: Part,
  feeds: Tensors,
  wanted: readonly string[],
): Promise<Tensors> {
  const inputs: Record<string, ort.Tensor> = {};
  for (const [name, tensor] of Object.entries(feeds)) inputs[name] = toOrt(tensor);
  const results = await session.run(inputs, wanted).catch((error: unknown) => {
    throw runError(part, error);
  });
  const outputs: Record<string, Tensor> = {};
  for (const [name, result] of Object.entries(results)) {
    outputs[name] = fromOrt(result);
    result.dispose();
  }
  return outputs;
}

/**
 * With no room left in its heap ONNX Runtime says bad_alloc, or the package cannot allocate or writes to a place it did
 * not get (a RangeError). The runtime survives all of them.
 */
const isOutOfMemory = (error: unknown): boolean =>
  error instanceof RangeError || /bad_alloc|allocat/i.test(reason(error));

function runError(part: Part, error: unknown): TrunklineError {
  if (isOutOfMemory(error)) {
    return new HeapFull(
      'too-large',
      `Cannot run ${part.label}: the request needs more than the ${inMiB(limits.heapBytes)} of ONNX Runtime heap; send a smaller batch`,
      { cause: error },
    );
  }
  return new TrunklineError('invalid', `Cannot run ${part.label} on these inputs: ${reason(error)}`, {
    cause: error,
  });
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function toOrt(tensor: Tensor): ort.Tensor {
  // decode() lets no bfloat16 through, and the constructor takes raw bits for float16: its types are narrower than it.
  return new ort.Tensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.dims);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  const dtype = tensor.type as DataType;
  const { data } = tensor;
  // Where the engine has Float16Array, ONNX Runtime answers in it; ours is raw bits.
  const bits =
    dtype === 'float16' && ArrayBuffer.isView(data)
      ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
      : data;
  return { dtype, dims: tensor.dims, data: bits } as Tensor;
}
