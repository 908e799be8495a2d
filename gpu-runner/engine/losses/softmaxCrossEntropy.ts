import { int } from '../../onnx/graph.ts';
import { batchOf, scaledSum, type Loss } from './loss.ts';

/**
 * -sum(targets * log softmax(output)), averaged over the batch. The output holds logits; every row of the targets
 * adds up to 1 (a one-hot label, or a distribution), which makes the derivative softmax(output) - targets.
 */
export const softmaxCrossEntropy: Loss = (emit, output, targets) => {
  const { batch } = batchOf(emit, 'softmax cross-entropy', output, targets);
  const logProbabilities = emit.op('LogSoftmax', [output], { axis: int(1) });
  return {
    value: scaledSum(emit, emit.mul(targets, logProbabilities), -1 / batch),
    grad: emit.scale(emit.sub(emit.op('Exp', [logProbabilities]), targets), 1 / batch),
  };
};
