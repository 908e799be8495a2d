import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';

/** Max and Min of any number of values: all flows to the one that came out; those that tie get equal parts. */
export const extremum: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const [grad, output] = [gradOf(context), outputOf(node)];
  const chosen = node.inputs.map((_, index) =>
    emit.castLike(emit.op('Equal', [inputOf(node, index), output]), grad),
  );
  const count = chosen.reduce((sum, each) => emit.add(sum, each));
  const part = chosen.length === 1 ? grad : emit.div(grad, count);
  return chosen.map((each, index) =>
    wants[index] ? emit.unbroadcast(emit.mul(part, each), emit.dims(inputOf(node, index))) : null,
  );
};
