import { gradOf, inputOf, type GradientRule } from './rule.ts';
import { floatOf } from '../../onnx/attributes.ts';
import { step } from './step.ts';

/** 1 above `alpha`, 0 at it and below, where the output jumps from 0. */
export const thresholdedRelu: GradientRule = (context) => {
  const { emit, node } = context;
  const grad = gradOf(context);
  const alpha = emit.scalar(floatOf(node, 'alpha', 1), grad);
  return [emit.mul(grad, step(emit, emit.sub(inputOf(node, 0), alpha)))];
};
