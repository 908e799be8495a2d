import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** dy/dx = 2 / sqrt(pi) e^(-x^2). */
export const erf: GradientRule = (context) => {
  const { emit, node } = context;
  const x = inputOf(node, 0);
  const bell = emit.op('Exp', [emit.op('Neg', [emit.mul(x, x)])]);
  return [emit.mul(gradOf(context), emit.scale(bell, 2 / Math.sqrt(Math.PI)))];
};
