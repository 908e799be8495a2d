import { gradOf, inputOf, type GradientRule } from './rule.ts';

/** Zero where the slice did not reach. Steps other than 1 are refused: nothing here needs them. */
export const slice: GradientRule = (context) => {
  const { emit, node } = context;
  const grad = gradOf(context);
  const dims = emit.dims(inputOf(node, 0));
  const starts = emit.constantInts(inputOf(node, 1));
  const axes = node.inputs[3] ? emit.constantInts(node.inputs[3]) : starts.map((_, axis) => axis);
  const steps = node.inputs[4] ? emit.constantInts(node.inputs[4]) : starts.map(() => 1);
  if (steps.some((step) => step !== 1)) {
    throw new Error(
      `Cannot differentiate Slice "${node.name}": its steps are ${steps.join()}, only 1 is supported`,
    );
  }
  const before = dims.map(() => 0);
  const after = dims.map(() => 0);
  for (const [position, given] of axes.entries()) {
    const axis = given < 0 ? given + dims.length : given;
    const dim = dims[axis] ?? 0;
    const start = starts[position] ?? 0;
    const first = Math.min(Math.max(start < 0 ? start + dim : start, 0), dim);
    before[axis] = first;
    after[axis] = dim - first - (emit.dims(grad)[axis] ?? 0);
  }
  return [emit.op('Pad', [grad, emit.int64s([...before, ...after])]), null, null, null, null];
};
