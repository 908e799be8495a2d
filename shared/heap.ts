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
