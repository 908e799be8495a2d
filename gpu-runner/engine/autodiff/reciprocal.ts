import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** dy/dx = -y^2. */
export const reciprocal: GradientRule = (context) => {
  const { emit, node } = context;
  const output = outputOf(node);
  return [emit.op('Neg', [emit.mul(gradOf(context), emit.mul(output, output))])];
};
