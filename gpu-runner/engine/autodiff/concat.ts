import { intOf } from '../../onnx/attributes.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

export const concat: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const grad = gradOf(context);
  const given = intOf(node, 'axis', 0);
  const axis = given < 0 ? given + emit.dims(grad).length : given;
  let end = 0;
  return node.inputs.map((_, index) => {
    const start = end;
    end += emit.dims(inputOf(node, index))[axis] ?? 0;
    return wants[index] ? emit.slice(grad, axis, start, end) : null;
  });
};
