import { elementCount } from '../../../shared/tensor.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

export const globalAveragePool: GradientRule = (context) => {
  const { emit, node } = context;
  const dims = emit.dims(inputOf(node, 0));
  const share = emit.scale(gradOf(context), 1 / elementCount(dims.slice(2)));
  return [emit.op('Expand', [share, emit.int64s(dims)])];
};
