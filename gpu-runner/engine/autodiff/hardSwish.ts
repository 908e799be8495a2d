import { inside } from './inside.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** y = x h with h = x / 6 + 1 / 2 kept between 0 and 1: dy/dx = h, and x / 6 more where h is between its bounds. */
export const hardSwish: GradientRule = (context) => {
  const { emit, node } = context;
  const x = inputOf(node, 0);
  const sixth = emit.scale(x, 1 / 6);
  const half = emit.add(sixth, emit.scalar(0.5, x));
  const gate = emit.op('Clip', [half, emit.scalar(0, x), emit.scalar(1, x)]);
  return [emit.mul(gradOf(context), emit.add(gate, emit.mul(sixth, inside(emit, half))))];
};
