import { intOf } from '../attributes.ts';
import type { ShapeRule } from './context.ts';

const quantize: ShapeRule = (context) => {
  const code = intOf(context.node, 'output_dtype', 0);
  const dtype = context.optional(2)?.dtype ?? (code === 0 ? 'uint8' : context.dtypeOfCode(code));
  return [{ dtype, dims: context.dims(0) }];
};

export const quantization: Record<string, ShapeRule> = {
  QuantizeLinear: quantize,
  DequantizeLinear: (context) => [{ dtype: context.type(1).dtype, dims: context.dims(0) }],
};
