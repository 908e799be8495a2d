import { intsOf } from '../../onnx/attributes.ts';
import { gradOf, inputOf, type GradientRule } from './rule.ts';

export const transpose: GradientRule = (context) => {
  const { emit, node } = context;
  const axes = emit.dims(inputOf(node, 0)).map((_, axis) => axis);
  const perm = intsOf(node, 'perm', axes.toReversed());
  return [
    emit.transpose(
      gradOf(context),
      axes.map((axis) => perm.indexOf(axis)),
    ),
  ];
};
