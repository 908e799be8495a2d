import { float, int, type Attribute } from '../../onnx/graph.ts';
import { floatOf, intOf } from '../../onnx/attributes.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/**
 * Y = alpha A' B' + beta C, where A' and B' are A and B or their transposes. dA' = alpha dY B'^T and
 * dB' = alpha A'^T dY, each written as one Gemm that gives A or B its own layout.
 */
export const gemm: GradientRule = (context) => {
  const { emit, node, wants } = context;
  const grad = gradOf(context);
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  const [transA, transB] = [intOf(node, 'transA', 0), intOf(node, 'transB', 0)];
  const alpha = float(floatOf(node, 'alpha', 1));
  const product = (left: string, right: string, attributes: Record<string, Attribute>): string =>
    emit.op('Gemm', [left, right], { alpha, ...attributes });
  const byA = (): string =>
    transA
      ? product(b, grad, { transA: int(transB), transB: int(1) })
      : product(grad, b, { transB: int(1 - transB) });
  const byB = (): string =>
    transB
      ? product(grad, a, { transA: int(1), transB: int(transA) })
      : product(a, grad, { transA: int(1 - transA) });
  const byC = (): string => {
    const summed = emit.unbroadcast(grad, emit.dims(inputOf(node, 2)));
    return emit.scale(summed, floatOf(node, 'beta', 1));
  };
  return [wants[0] ? byA() : null, wants[1] ? byB() : null, wants[2] ? byC() : null];
};
