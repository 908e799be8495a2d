import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** dy/dx = y. */
export const exp: GradientRule = (context) => [context.emit.mul(gradOf(context), outputOf(context.node))];
