import type { TensorSpec } from '../../shared/manifest.ts';
import type { ValueInfo } from '../onnx/graph.ts';

/** A graph's input or output as the manifest tells it: -1 where a dimension varies. */
export const tensorSpec = ({ name, dtype, dims }: ValueInfo): TensorSpec => ({
  name,
  dtype,
  dims: dims.map((dim) => (typeof dim === 'number' ? dim : -1)),
});
