import { batchOf, scaledSum, type Loss } from './loss.ts';

/** (output - targets)^2, averaged over batch and width. */
export const meanSquaredError: Loss = (emit, output, targets) => {
  const { batch, width } = batchOf(emit, 'mean squared error', output, targets);
  const error = emit.sub(output, targets);
  return {
    value: scaledSum(emit, emit.mul(error, error), 1 / (batch * width)),
    grad: emit.scale(error, 2 / (batch * width)),
  };
};
