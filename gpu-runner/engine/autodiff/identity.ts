import { gradOf, type GradientRule } from './rule.ts';

export const identity: GradientRule = (context) => [gradOf(context)];
