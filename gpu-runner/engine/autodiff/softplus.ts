import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** y = ln(1 + e^x): dy/dx = 1 / (1 + e^-x). */
export const softplus: GradientRule = (context) => {
  const { emit, node } = context;
  return [emit.mul(gradOf(context), emit.op('Sigmoid', [inputOf(node, 0)]))];
};
