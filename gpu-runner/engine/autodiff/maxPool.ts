import { intOf, intsOf } from '../../onnx/attributes.ts';
import { int, ints, string } from '../../onnx/graph.ts';
import { elementCount } from '../../../shared/tensor.ts';
import { maxPoolByEquality } from './maxPool/byEquality.ts';
import { gradOf, inputOf, outputOf, type GradientRule } from './rule.ts';
import { windowsOf } from './windows.ts';

/** The gradient goes to one element of each window, its maximum; among equal ones to the first. */
export const maxPool: GradientRule = (context) => {
  const { emit, node, provider } = context;
  const [x, dy] = [inputOf(node, 0), gradOf(context)];
  const kernel = intsOf(node, 'kernel_shape', []);
  const windows = windowsOf(emit, node, kernel);
  // The WebGPU provider has no indices output.
  if (provider === 'webgpu') return [maxPoolByEquality(emit, x, outputOf(node), dy, windows)];

  if (intOf(node, 'storage_order', 0) !== 0)
    throw new Error(`Cannot differentiate MaxPool "${node.name}": storage_order 1 is not supported`);
  const indices = emit.optionalOutput(node, 1);
  const dims = emit.dims(x);
  const disjoint = windows.every((window) => window.dilation === 1 && window.kernel <= window.stride);
  // A quarter faster than adding, but it writes: right only where no element can be the maximum of two windows.
  if (disjoint)
    return [emit.op('MaxUnpool', [dy, indices, emit.int64s(dims)], { kernel_shape: ints(kernel) })];
  const [from, to] = [elementCount(emit.dims(dy)), elementCount(dims)];
  const zeros = emit.op('Expand', [emit.scalar(0, dy), emit.int64s([to])]);
  const scattered = emit.op(
    'ScatterElements',
    [zeros, emit.reshape(indices, [from]), emit.reshape(dy, [from])],
    {
      axis: int(0),
      reduction: string('add'),
    },
  );
  return [emit.reshape(scattered, dims)];
};
