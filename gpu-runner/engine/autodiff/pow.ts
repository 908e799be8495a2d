import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** y = x^p with a constant p: dy/dx = p x^(p - 1). */
export const pow: GradientRule = (context) => {
  const { emit, node, wants } = context;
  if (wants[1]) throw new Error(`Cannot differentiate Pow "${node.name}" by its exponent`);
  const [x, exponent] = [inputOf(node, 0), emit.castLike(inputOf(node, 1), inputOf(node, 0))];
  const slope = emit.mul(exponent, emit.op('Pow', [x, emit.sub(exponent, emit.scalar(1, x))]));
  return [emit.unbroadcast(emit.mul(gradOf(context), slope), emit.dims(x)), null];
};
