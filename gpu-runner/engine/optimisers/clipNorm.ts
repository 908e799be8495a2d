import { int } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';

/**
 * Shortens a gradient to the Euclidean length `limit` where it is longer; shorter ones stay as they are.
 *
 * @throws {RangeError} when the limit is not above 0.
 */
export function clipNorm(emit: Emitter, grad: string, limit: number): string {
  if (!(limit > 0)) throw new RangeError(`Cannot clip gradients to length ${limit}: it must be above 0`);
  const norm = emit.op('ReduceL2', [grad], { keepdims: int(0) });
  const atLeast = emit.op('Max', [norm, emit.scalar(limit, grad)]);
  return emit.mul(grad, emit.div(emit.scalar(limit, grad), atLeast));
}
