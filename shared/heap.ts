import type { Storage } from './recipe.ts';

/** Heap that ONNX Runtime Web takes with nothing large loaded. */
const baseHeapBytes = 15 * 2 ** 20;
const heapPerWeightByte = 1.1;

/**
 * What ONNX Runtime Web's heap grows to with this many bytes of graphs and float32 or int8 weights loaded. Measured with
 * onnxruntime-web 1.30, weights as external data: the heap after loading 5 to 44 MiB of them.
 */
export const estimateHeapBytes = (modelBytes: number): number =>
  Math.ceil(baseHeapBytes + heapPerWeightByte * modelBytes);

/** The most bytes of graphs and weights that such a heap holds; below 0 where it holds none. */
export const modelBytesIn = (heapBytes: number): number =>
  Math.floor((heapBytes - baseHeapBytes) / heapPerWeightByte);

/**
 * Weights stored as float16 are widened when they are loaded, and both forms are held: 9.95 MiB of them took 58.75 MiB of
 * heap, where as many bytes of float32 take 26.
 */
export const widenedPerStoredByte = 4;

/** Bytes of one parameter as it is stored; scales of int8 are not counted. */
export const parameterBytes: Readonly<Record<Storage, number>> = { float32: 4, float16: 2, int8: 1 };

/** Bytes that count for the heap, of one parameter in that form. */
export const heldParameterBytes = (storage: Storage): number =>
  parameterBytes[storage] * (storage === 'float16' ? widenedPerStoredByte : 1);
