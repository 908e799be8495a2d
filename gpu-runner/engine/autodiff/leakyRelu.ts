import { gradOf, inputOf, type GradientRule } from './rule.ts';
import { floatOf } from '../../onnx/attributes.ts';
import { step } from './step.ts';

/** Slope 1 above 0, `alpha` at 0 and below. */
export const leakyRelu: GradientRule = (context) => {
  const { emit, node } = context;
  const grad = gradOf(context);
  const alpha = floatOf(node, 'alpha', 0.01);
  const above = emit.scale(step(emit, inputOf(node, 0)), 1 - alpha);
  return [emit.mul(grad, emit.add(above, emit.scalar(alpha, grad)))];
};
