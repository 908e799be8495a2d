import { gradOf, type GradientRule } from './rule.ts';

export const neg: GradientRule = (context) => [context.emit.op('Neg', [gradOf(context)])];
