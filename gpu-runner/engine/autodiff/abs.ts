import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** The sign of x; 0 at the kink. */
export const abs: GradientRule = (context) => {
  const { emit, node } = context;
  return [emit.mul(gradOf(context), emit.op('Sign', [inputOf(node, 0)]))];
};
