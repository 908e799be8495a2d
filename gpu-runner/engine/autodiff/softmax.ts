import { intOf } from '../../onnx/attributes.ts';
import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** dx = y (dy - sum of y dy along the axis). */
export const softmax: GradientRule = (context) => {
  const { emit, node } = context;
  const [y, dy] = [outputOf(node), gradOf(context)];
  const axis = intOf(node, 'axis', -1);
  const positive = axis < 0 ? axis + emit.dims(y).length : axis;
  const mean = emit.sum(emit.mul(y, dy), [positive]);
  return [emit.mul(y, emit.sub(dy, mean))];
};
