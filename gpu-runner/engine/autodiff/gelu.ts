import { stringOf } from '../../onnx/attributes.ts';
import type { Emitter } from '../emitter.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** y = x F(x), F the normal distribution function: dy/dx = F + x F', in the exact form or by the tanh that stands for F. */
export const gelu: GradientRule = (context) => {
  const { emit, node } = context;
  const x = inputOf(node, 0);
  const slope = stringOf(node, 'approximate', 'none') === 'tanh' ? byTanh(emit, x) : exact(emit, x);
  return [emit.mul(gradOf(context), slope)];
};

/** (1 + erf(x / sqrt 2)) / 2 + x e^(-x^2 / 2) / sqrt(2 pi) */
function exact(emit: Emitter, x: string): string {
  const share = emit.op('Erf', [emit.scale(x, Math.SQRT1_2)]);
  const below = emit.scale(emit.add(share, emit.scalar(1, x)), 0.5);
  const bell = emit.op('Exp', [emit.scale(emit.mul(x, x), -0.5)]);
  return emit.add(below, emit.mul(emit.scale(x, 1 / Math.sqrt(2 * Math.PI)), bell));
}

const inner = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** With t = tanh(k (x + c x^3)): (1 + t) / 2 + x (1 - t^2) k (1 + 3 c x^2) / 2. */
function byTanh(emit: Emitter, x: string): string {
  const one = emit.scalar(1, x);
  const square = emit.mul(x, x);
  const factor = emit.scale(emit.add(one, emit.scale(square, cubic)), inner);
  const t = emit.op('Tanh', [emit.mul(x, factor)]);
  const below = emit.scale(emit.add(one, t), 0.5);
  const steepness = emit.scale(emit.add(one, emit.scale(square, 3 * cubic)), inner / 2);
  return emit.add(below, emit.mul(emit.mul(x, steepness), emit.sub(one, emit.mul(t, t))));
}
