import { intOf } from '../../onnx/attributes.ts';
import { gradOf, outputOf, type GradientRule } from './rule.ts';

/** y = x - log(sum exp x): dx = dy - exp(y) sum(dy). */
export const logSoftmax: GradientRule = (context) => {
  const { emit, node } = context;
  const grad = gradOf(context);
  const output = outputOf(node);
  const given = intOf(node, 'axis', -1);
  const axis = given < 0 ? given + emit.dims(output).length : given;
  return [emit.sub(grad, emit.mul(emit.op('Exp', [output]), emit.sum(grad, [axis])))];
};
