import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** The sum of any number of values. */
export const sum: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const grad = gradOf(context);
  return node.inputs.map((_, index) =>
    wants[index] ? emit.unbroadcast(grad, emit.dims(inputOf(node, index))) : null,
  );
};
