import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** dy/dx = 1 / x. */
export const log: GradientRule = (context) => [context.emit.div(gradOf(context), inputOf(context.node, 0))];
