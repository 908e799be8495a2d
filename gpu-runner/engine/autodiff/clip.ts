import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';

/** 1 from the lower bound to the upper one, both included; 0 outside. The bounds themselves are constants. */
export const clip: GradientRule = (context) => {
  const { emit, node, wants } = context;
  if (wants[1] || wants[2]) throw new Error(`Cannot differentiate Clip "${node.name}" by its bounds`);
  const grad = gradOf(context);
  const inside = emit.op('Equal', [inputOf(node, 0), outputOf(node)]);
  return [emit.mul(grad, emit.castLike(inside, grad)), null, null];
};
