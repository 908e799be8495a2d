import { gradOf, inputOf, type GradientRule } from './rule.ts';

export const add: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const grad = gradOf(context);
  return [0, 1].map((index) =>
    wants[index] ? emit.unbroadcast(grad, emit.dims(inputOf(node, index))) : null,
  );
};
