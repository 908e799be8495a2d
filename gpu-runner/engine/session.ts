import type { Graph } from '../onnx/graph.ts';
import { readModel } from '../onnx/read.ts';
import { writeModel } from '../onnx/write.ts';
import { checkConvolutions } from './convolutionCheck.ts';
import { openSession, type Session, type SessionOptions } from './ortSession.ts';

export type { Session, SessionOptions } from './ortSession.ts';

/**
 * Loads a model into ONNX Runtime on the named provider. A provider other than the CPU first computes every
 * convolution of the model once beside the CPU.
 *
 * @throws {Error} when the provider is not available here, ONNX Runtime refuses the model, or the provider gets a
 * convolution wrong.
 */
export async function createSession(model: Graph | Uint8Array, options: SessionOptions): Promise<Session> {
  const { provider, externalData = {} } = options;
  const isBytes = model instanceof Uint8Array;
  if (provider !== 'cpu') {
    const external = (location: string): Uint8Array => {
      const bytes = externalData[location];
      if (bytes) return bytes;
      throw new Error(`Cannot make a session on ${provider}: there is no external data "${location}"`);
    };
    await checkConvolutions(isBytes ? readModel(model, { externalData: external }) : model, provider);
  }
  return openSession(isBytes ? model : writeModel(model), options);
}
