import { intOf, intsOf, tensorOf } from '../attributes.ts';
import type { Dim, TensorType } from '../graph.ts';
import type { ShapeContext, ShapeRule } from './context.ts';

/** The tensor that a Constant node holds, whichever attribute holds it. */
const constant: ShapeRule = (context) => {
  const { value } = context.node.attributes;
  if (value?.type !== 'tensor') throw context.refuse('attribute "value" must be a tensor');
  return [{ dtype: value.value.dtype, dims: value.value.dims }];
};

const constantOfShape: ShapeRule = (context) => {
  const dtype = tensorOf(context.node, 'value')?.dtype ?? 'float32';
  return [{ dtype, dims: context.integers(0) ?? context.unknownDims(0) }];
};

const shape: ShapeRule = (context) => [{ dtype: 'int64', dims: [shapeSlice(context).length] }];

/** The dimensions that a Shape node reports: `start` to `end`, clamped. */
export function shapeSlice(context: ShapeContext): readonly Dim[] {
  return context.dims(0).slice(intOf(context.node, 'start', 0), intOf(context.node, 'end'));
}

const range: ShapeRule = (context) => {
  const [type] = context.alike([0, 1, 2]);
  const [start, limit, delta] = [0, 1, 2].map((index) => {
    const value = context.constant(index)?.data[0] ?? context.integers(index)?.[0];
    return typeof value === 'bigint' ? Number(value) : value;
  });
  if (delta === 0) throw context.refuse('a step of 0');
  const known = typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number';
  const length = known ? Math.max(0, Math.ceil((limit - start) / delta)) : null;
  return [{ dtype: type?.dtype ?? 'float32', dims: [length] }];
};

const random = (context: ShapeContext, like: TensorType | undefined): TensorType[] => {
  const code = intOf(context.node, 'dtype');
  const dims = like?.dims ?? intsOf(context.node, 'shape');
  if (!dims) throw context.refuse('attribute "shape" is missing');
  return [{ dtype: code === undefined ? (like?.dtype ?? 'float32') : context.dtypeOfCode(code), dims }];
};

export const sources: Record<string, ShapeRule> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shape,
  Size: () => [{ dtype: 'int64', dims: [] }],
  Range: range,
  RandomUniform: (context) => random(context, undefined),
  RandomNormal: (context) => random(context, undefined),
  RandomUniformLike: (context) => random(context, context.type(0)),
  RandomNormalLike: (context) => random(context, context.type(0)),
};
