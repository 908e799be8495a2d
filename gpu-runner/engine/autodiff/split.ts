import { intOf } from '../../onnx/attributes.ts';
import { inputOf, outputOf, type GradientRule } from './rule.ts';

/** Puts the parts together again; a part that nothing flows into is zero. */
export const split: GradientRule = ({ emit, node, grads }) => {
  const input = inputOf(node, 0);
  const given = intOf(node, 'axis', 0);
  const axis = given < 0 ? given + emit.dims(input).length : given;
  const parts = grads.map(
    (grad, index) => grad ?? emit.expand(emit.scalar(0, input), emit.dims(outputOf(node, index))),
  );
  return [emit.concat(parts, axis), null];
};
