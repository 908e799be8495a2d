import { int } from '../../onnx/graph.ts';
import type { Emitter } from '../emitter.ts';
import { batchOf, scaledSum, type EmittedLoss } from './loss.ts';

/**
 * KL(softmax(teacher / T) || softmax(student / T)) T^2, averaged over the batch: 0 where the student's logits equal
 * the teacher's. The factor T^2 keeps the gradient's size independent of the temperature (Hinton et al. 2015).
 *
 * @param student logits [batch, classes], differentiated
 * @param teacher logits [batch, classes], constant
 * @throws {RangeError} when the temperature is not above 0.
 */
export function distillation(
  emit: Emitter,
  student: string,
  teacher: string,
  temperature: number,
): EmittedLoss {
  if (!(temperature > 0))
    throw new RangeError(`Cannot distil at temperature ${temperature}: it must be above 0`);
  const { batch } = batchOf(emit, 'distillation', student, teacher);
  const softened = (logits: string): string =>
    emit.op('LogSoftmax', [emit.scale(logits, 1 / temperature)], { axis: int(1) });
  const [logTeacher, logStudent] = [softened(teacher), softened(student)];
  const probabilities = emit.op('Exp', [logTeacher]);
  const divergence = emit.mul(probabilities, emit.sub(logTeacher, logStudent));
  return {
    value: scaledSum(emit, divergence, temperature ** 2 / batch),
    grad: emit.scale(emit.sub(emit.op('Exp', [logStudent]), probabilities), temperature / batch),
  };
}
