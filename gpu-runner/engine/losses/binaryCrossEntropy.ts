import { batchOf, scaledSum, type Loss } from './loss.ts';

/**
 * -t log s - (1 - t) log(1 - s) with s = sigmoid(output), averaged over batch and width. The output holds logits;
 * written as max(x, 0) - x t + log(1 + exp(-|x|)), which neither overflows nor loses digits for large logits.
 */
export const binaryCrossEntropy: Loss = (emit, output, targets) => {
  const { batch, width } = batchOf(emit, 'binary cross-entropy', output, targets);
  const decay = emit.op('Exp', [emit.op('Neg', [emit.op('Abs', [output])])]);
  const tail = emit.op('Log', [emit.add(decay, emit.scalar(1, output))]);
  const linear = emit.sub(emit.op('Relu', [output]), emit.mul(output, targets));
  return {
    value: scaledSum(emit, emit.add(linear, tail), 1 / (batch * width)),
    grad: emit.scale(emit.sub(emit.op('Sigmoid', [output]), targets), 1 / (batch * width)),
  };
};
