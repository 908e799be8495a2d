import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** dy/dx = 1 - y^2. */
export const tanh: GradientRule = (context) => {
  const { emit, node } = context;
  const output = outputOf(node);
  return [emit.mul(gradOf(context), emit.sub(emit.scalar(1, output), emit.mul(output, output)))];
};
