import { intOf } from '../attributes.ts';
import { show, type ShapeContext, type ShapeRule } from './context.ts';

function indices(context: ShapeContext, index: number): void {
  const { dtype } = context.type(index);
  if (dtype !== 'int64' && dtype !== 'int32')
    throw context.refuse(`indices must be int32 or int64, got ${dtype}`);
}

const gather: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  indices(context, 1);
  const axis = context.axis(intOf(context.node, 'axis', 0), dims.length);
  return [{ dtype, dims: [...dims.slice(0, axis), ...context.dims(1), ...dims.slice(axis + 1)] }];
};

const gatherElements: ShapeRule = (context) => {
  const { dtype, dims } = context.type(0);
  indices(context, 1);
  context.axis(intOf(context.node, 'axis', 0), dims.length);
  return [{ dtype, dims: context.ranked(1, dims.length).dims }];
};

const scatterElements: ShapeRule = (context) => {
  const data = context.type(0);
  indices(context, 1);
  context.axis(intOf(context.node, 'axis', 0), data.dims.length);
  context.alike([0, 2]);
  const places = context.ranked(1, data.dims.length).dims;
  const updates = context.ranked(2, data.dims.length).dims;
  for (const [axis, place] of places.entries()) {
    context.same(place, updates[axis] ?? null, `indices ${show(places)} and updates ${show(updates)} differ`);
  }
  return [data];
};

const scatterND: ShapeRule = (context) => {
  indices(context, 1);
  context.alike([0, 2]);
  return [context.type(0)];
};

const oneHot: ShapeRule = (context) => {
  const dims = context.dims(0);
  const rank = dims.length + 1;
  const axis = context.axis(intOf(context.node, 'axis', -1), rank);
  const depth = context.integers(1)?.[0] ?? null;
  return [{ dtype: context.type(2).dtype, dims: [...dims.slice(0, axis), depth, ...dims.slice(axis)] }];
};

export const indexing: Record<string, ShapeRule> = {
  Gather: gather,
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  OneHot: oneHot,
};
