import { floatOf } from '../../onnx/attributes.ts';
import { aboveOr } from './aboveOr.ts';
import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';

/** Slope gamma above 0; at 0 and below, where y = gamma alpha (e^x - 1), y + gamma alpha. */
export const selu: GradientRule = (context) => {
  const { emit, node } = context;
  const y = outputOf(node);
  const alpha = floatOf(node, 'alpha', 1.6732632423543772);
  const gamma = floatOf(node, 'gamma', 1.0507009873554805);
  const below = emit.add(y, emit.scalar(gamma * alpha, y));
  return [emit.mul(gradOf(context), aboveOr(emit, inputOf(node, 0), gamma, below))];
};
