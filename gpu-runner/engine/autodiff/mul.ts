import { gradOf, inputOf, type GradientRule } from './rule.ts';

export const mul: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const grad = gradOf(context);
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  return [
    wants[0] ? emit.unbroadcast(emit.mul(grad, b), emit.dims(a)) : null,
    wants[1] ? emit.unbroadcast(emit.mul(grad, a), emit.dims(b)) : null,
  ];
};
