import { gradOf, outputOf, type GradientRule } from './rule.ts';
import { step } from './step.ts';

/** Reads the output, not the input: one value fewer to keep until the backward pass. 0 at the kink. */
export const relu: GradientRule = (context) => {
  const { emit, node } = context;
  return [emit.mul(gradOf(context), step(emit, outputOf(node)))];
};
