import { floatOf } from '../../onnx/attributes.ts';
import { inside } from './inside.ts';
import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** Slope `alpha` where the output lies between 0 and 1, 0 at both ends and beyond them. */
export const hardSigmoid: GradientRule = (context) => {
  const { emit, node } = context;
  const slope = emit.scale(inside(emit, outputOf(node)), floatOf(node, 'alpha', 0.2));
  return [emit.mul(gradOf(context), slope)];
};
