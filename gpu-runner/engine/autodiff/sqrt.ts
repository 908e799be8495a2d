import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** dy/dx = 1 / (2 y). */
export const sqrt: GradientRule = (context) => {
  const { emit, node } = context;
  return [emit.div(gradOf(context), emit.scale(outputOf(node), 2))];
};
