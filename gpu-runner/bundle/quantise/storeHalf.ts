/**
 * Weights stored as float16 and read through a Cast to float32: half the bytes to store and to load, and every runtime
 * computes in float32 as before. ONNX Runtime does the casts once, when it loads the graph.
 */
import { Float16Array } from '@petamoriken/float16';
import { dataTypes, type Tensor } from '../../../shared/tensor.ts';
import { int, type Graph } from '../../onnx/graph.ts';
import { mapParts, type Parts } from './parts.ts';

/** A tensor that stays float32. */
export interface KeptTensor {
  readonly part: string;
  readonly name: string;
  readonly reason: string;
}

export interface HalfStored extends Parts {
  readonly kept: readonly KeptTensor[];
  /** Values below the smallest normal float16 (6.1e-5): stored with fewer than 11 digits (of 2), or as 0. */
  readonly subnormal: number;
  readonly flushedToZero: number;
}

/** Below this, the Cast takes as many bytes as it saves. */
const fewestElements = 64;
/** A whole tensor's squared rounding error against its squares, at most: that of normal numbers is 2^-12 or so. */
const largestError = 2 ** -11;
const smallestNormal = 2 ** -14;

/**
 * Trunk and heads with float16 weights. A tensor stays float32, and is named with the reason, where some value has no
 * finite float16 (from 65,520 on) or its rounding error is larger than float16's digits explain, because its values lie
 * below 6.1e-5.
 */
export function storeHalf(parts: Parts): HalfStored {
  const kept: KeptTensor[] = [];
  let [subnormal, flushedToZero] = [0, 0];
  const stored = mapParts(parts, (graph, part) => {
    const half = graph.clone();
    const outputs = new Set(half.outputs.map(({ name }) => name));
    const read = half.consumers();
    for (const [name, tensor] of graph.initializers) {
      if (tensor.dtype !== 'float32' || tensor.data.length < fewestElements || outputs.has(name)) continue;
      if (!read.has(name)) continue;
      const rounded = roundToHalf(tensor.data);
      if ('reason' in rounded) {
        kept.push({ part, name, reason: rounded.reason });
        continue;
      }
      subnormal += rounded.subnormal;
      flushedToZero += rounded.flushedToZero;
      readThroughCast(half, name, { dtype: 'float16', dims: tensor.dims, data: rounded.bits });
    }
    return half;
  });
  return { ...stored, kept, subnormal, flushedToZero };
}

interface Rounded {
  readonly bits: Uint16Array;
  readonly subnormal: number;
  readonly flushedToZero: number;
}

/** To the nearest float16, ties to even. */
function roundToHalf(data: Float32Array): Rounded | { readonly reason: string } {
  const halves = new Float16Array(data);
  let [subnormal, flushedToZero, squares, errors] = [0, 0, 0, 0];
  for (const [index, half] of halves.entries()) {
    const value = data[index] ?? NaN;
    if (!Number.isFinite(half))
      return { reason: `its value ${value} has no finite float16, the largest is 65504` };
    squares += value * value;
    errors += (value - half) ** 2;
    if (value === 0 || Math.abs(value) >= smallestNormal) continue;
    if (half === 0) flushedToZero += 1;
    else subnormal += 1;
  }
  const error = errors === 0 ? 0 : Math.sqrt(errors / squares);
  if (error > largestError)
    return {
      reason: `float16 would change it by ${(100 * error).toPrecision(2)} %: its values are too small`,
    };
  return { bits: new Uint16Array(halves.buffer), subnormal, flushedToZero };
}

function readThroughCast(graph: Graph, name: string, tensor: Tensor<'float16'>): void {
  const half = graph.fresh(`${name}.half`);
  const cast = graph.addNode('Cast', [half], [], { to: int(dataTypes.float32.onnx) });
  cast.outputs = [name];
  graph.initializers.delete(name);
  graph.initializers.set(half, tensor);
  graph.nodes.pop();
  graph.nodes.unshift(cast);
}
