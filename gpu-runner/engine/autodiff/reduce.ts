import { elementCount } from '../../../shared/tensor.ts';
import { intOf } from '../../onnx/attributes.ts';
import { gradOf, inputOf, type GradientRule, type RuleContext } from './rule.ts';

export const reduceSum: GradientRule = (context) => {
  const dims = context.emit.dims(inputOf(context.node, 0));
  return [spread(context, gradOf(context), dims), null];
};

/** As the sum, each element with the weight 1 / (how many were averaged). */
export const reduceMean: GradientRule = (context) => {
  const { emit } = context;
  const grad = gradOf(context);
  const dims = emit.dims(inputOf(context.node, 0));
  const averaged = elementCount(dims) / elementCount(emit.dims(grad));
  return [spread(context, emit.scale(grad, 1 / averaged), dims), null];
};

/** Repeats a reduced gradient along the axes that were reduced. */
function spread({ emit, node }: RuleContext, grad: string, dims: readonly number[]): string {
  const listed = node.inputs[1] ? emit.constantInts(node.inputs[1]) : [];
  if (listed.length === 0 && intOf(node, 'noop_with_empty_axes', 0) === 1) return grad;
  const axes = new Set(
    listed.length > 0 ? listed.map((axis) => (axis < 0 ? axis + dims.length : axis)) : dims.keys(),
  );
  const kept = dims.map((dim, axis) => (axes.has(axis) ? 1 : dim));
  return emit.expand(emit.reshape(grad, kept), dims);
}
