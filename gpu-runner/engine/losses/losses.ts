import { binaryCrossEntropy } from './binaryCrossEntropy.ts';
import type { Loss } from './loss.ts';
import { meanSquaredError } from './meanSquaredError.ts';
import { softmaxCrossEntropy } from './softmaxCrossEntropy.ts';

/** The losses against labels, by the names options use. */
export const losses = {
  'softmax-cross-entropy': softmaxCrossEntropy,
  'binary-cross-entropy': binaryCrossEntropy,
  'mean-squared-error': meanSquaredError,
} satisfies Record<string, Loss>;

export type LossName = keyof typeof losses;
