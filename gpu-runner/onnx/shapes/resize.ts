import { intsOf, stringOf } from '../attributes.ts';
import { show, type ShapeRule } from './context.ts';

const resizeRule: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  const axes = context.axes(intsOf(context.node, 'axes', [...dims.keys()]), dims.length);
  if (stringOf(context.node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
    throw context.refuse('keep_aspect_ratio_policy is only supported as "stretch"');
  }
  const sizes = context.integers(3);
  const scales = context.constant(2);
  const factors = scales?.dtype === 'float32' ? Array.from(scales.data) : undefined;
  const given = context.has(3) ? sizes : factors;
  if (given && given.length !== axes.length)
    throw context.refuse(`${given.length} sizes or scales for ${show(dims)}`);
  return [
    {
      dtype,
      dims: dims.map((dim, axis) => {
        const at = axes.indexOf(axis);
        if (at < 0 || (!context.has(3) && factors?.[at] === 1)) return dim;
        if (context.has(3)) return sizes?.[at] ?? null;
        const factor = factors?.[at];
        return typeof dim === 'number' && factor !== undefined ? Math.floor(dim * factor) : null;
      }),
    },
  ];
};

export const resize: Record<string, ShapeRule> = { Resize: resizeRule };
