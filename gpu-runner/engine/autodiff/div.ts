import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';

/** y = a / b: dy/da = 1 / b, dy/db = -y / b. */
export const div: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  const byNumerator = emit.div(gradOf(context), b);
  return [
    wants[0] ? emit.unbroadcast(byNumerator, emit.dims(a)) : null,
    wants[1] ? emit.op('Neg', [emit.unbroadcast(emit.mul(byNumerator, outputOf(node)), emit.dims(b))]) : null,
  ];
};
