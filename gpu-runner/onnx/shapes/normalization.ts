import { intOf } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { show, type ShapeRule } from './context.ts';

const batchNormalization: ShapeRule = (context) => {
  const x = context.type(0);
  if (x.dims.length < 2) throw context.refuse(`input must have at least 2 dimensions, got ${show(x.dims)}`);
  let channels: Dim = x.dims[1] ?? null;
  for (const [index, what] of ['scale', 'B', 'mean', 'var'].entries()) {
    const [length = null] = context.ranked(index + 1, 1).dims;
    channels = context.same(channels, length, `channels of the input and of ${what} differ`);
  }
  const statistics = { dtype: context.type(3).dtype, dims: [channels] };
  return intOf(context.node, 'training_mode', 0) === 0 ? [x] : [x, statistics, statistics];
};

const dropout: ShapeRule = (context) => [context.type(0), { dtype: 'bool', dims: context.dims(0) }];

export const normalization: Record<string, ShapeRule> = {
  BatchNormalization: batchNormalization,
  Dropout: dropout,
};
