import { float } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';

/**
 * 1 where `value` is above 0, else 0: the derivative of Relu. A steep HardSigmoid is one pass over memory, where a
 * comparison and a Cast are two; it rises from 0 to 1 within 1e-38.
 */
export function step(emit: Emitter, value: string): string {
  if (emit.type(value).dtype === 'float32')
    return emit.op('HardSigmoid', [value], { alpha: float(1e38), beta: float(0) });
  // ONNX Runtime has no float64 HardSigmoid.
  return emit.castLike(emit.op('Greater', [value, emit.scalar(0, value)]), value);
}
