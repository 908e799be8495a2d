import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** Reshape, Flatten, Squeeze and Unsqueeze: the elements stay as they are, so the gradient only takes its dims back. */
export const reshape: GradientRule = (context) => {
  const { emit, node } = context;
  return [emit.reshape(gradOf(context), emit.dims(inputOf(node, 0))), null];
};
