import { gradOf, inputOf, type GradientRule } from './rule.ts';

export const sub: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const grad = gradOf(context);
  return [
    wants[0] ? emit.unbroadcast(grad, emit.dims(inputOf(node, 0))) : null,
    // Negated after the sum: the summed gradient is never larger.
    wants[1] ? emit.op('Neg', [emit.unbroadcast(grad, emit.dims(inputOf(node, 1)))]) : null,
  ];
};
