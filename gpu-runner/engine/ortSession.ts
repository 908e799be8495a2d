import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../shared/tensor.ts';
import { requireProvider, type Provider } from './providers.ts';

export interface SessionOptions {
  readonly provider: Provider;
  /** Threads of one operator on the CPU; one for each core that the process may use when left out. */
  readonly threads?: number;
  /** Contents of external data files by the location the model names them with. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Computes the outputs asked for (default: all). ONNX Runtime computes the whole graph whatever is asked.
   *
   * @throws {Error} when a feed is missing, unknown or of the wrong type or shape.
   */
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Frees the native memory; the session cannot run afterwards. May be called twice. */
  release(): Promise<void>;
}

/**
 * Loads the bytes of a model into ONNX Runtime on the named provider.
 *
 * @throws {Error} when the provider is not available here or ONNX Runtime refuses the model.
 */
export async function openSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
  const { provider, threads, externalData = {} } = options;
  requireProvider(provider);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model, {
      executionProviders: [provider],
      // The parallel executor is twice as slow for training graphs.
      executionMode: 'sequential',
      // Fatal only: every error is thrown as well.
      logSeverityLevel: 4,
      intraOpNumThreads: threads ?? availableParallelism(),
      externalData: Object.entries(externalData).map(([path, data]) => ({ path, data })),
      // On processors with AVX2 but without VNNI, sums of int8 products would overflow; elsewhere this changes nothing.
      extra: { session: { x64quantprecision: '1' } },
    });
  } catch (cause) {
    throw new Error(`Cannot make a session on ${provider}: ${messageOf(cause)}`, { cause });
  }
  let released = false;
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds, outputs = session.outputNames) {
      if (released) throw new Error('Cannot run a session: it was released');
      const given = Object.entries(feeds).map(([name, tensor]) => [name, toOrt(name, tensor)] as const);
      const results = await session.run(Object.fromEntries(given), outputs);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [name, fromOrt(name, tensor)]),
      );
    },
    async release() {
      if (released) return;
      released = true;
      await session.release();
    },
  };
}

function toOrt(name: string, tensor: Tensor): OrtTensor {
  const count = elementCount(tensor.dims);
  if (tensor.data.length !== count) {
    throw new Error(
      `Cannot feed "${name}": [${tensor.dims.join()}] has ${count} elements, its data ${tensor.data.length}`,
    );
  }
  if (tensor.dtype === 'bfloat16')
    throw new Error(`Cannot feed "${name}": ONNX Runtime's JavaScript API has no bfloat16`);
  return new OrtTensor(tensor.dtype, tensor.data, tensor.dims);
}

function fromOrt(name: string, tensor: OrtTensor): Tensor {
  if (!isDataType(tensor.type))
    throw new Error(`Cannot read output "${name}": its type ${tensor.type} is not supported`);
  return { dtype: tensor.type, dims: tensor.dims, data: tensor.data } as Tensor;
}

const isDataType = (type: string): type is DataType => Object.hasOwn(dataTypes, type);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
