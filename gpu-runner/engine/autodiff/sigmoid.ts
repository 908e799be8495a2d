import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** dy/dx = y (1 - y). */
export const sigmoid: GradientRule = (context) => {
  const { emit, node } = context;
  const output = outputOf(node);
  return [emit.mul(gradOf(context), emit.mul(output, emit.sub(emit.scalar(1, output), output)))];
};
