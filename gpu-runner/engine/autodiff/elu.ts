import { floatOf } from '../../onnx/attributes.ts';
import { aboveOr } from './aboveOr.ts';
import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';

/** Slope 1 above 0; at 0 and below, where y = alpha (e^x - 1), y + alpha. */
export const elu: GradientRule = (context) => {
  const { emit, node } = context;
  const y = outputOf(node);
  const below = emit.add(y, emit.scalar(floatOf(node, 'alpha', 1), y));
  return [emit.mul(gradOf(context), aboveOr(emit, inputOf(node, 0), 1, below))];
};
