import type * as Ort from 'onnxruntime-web';
import type { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import type { Tensor } from '../../../shared/tensor.ts';

/** Runs a graph of one input and one output in ONNX Runtime Web, as the edge does: WebAssembly, one thread. */
export async function runOnWeb(graph: Graph, input: Tensor<'float32'>): Promise<Float32Array> {
  const ort = (await import('onnxruntime-web/wasm')) as typeof Ort;
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(writeModel(graph), { executionProviders: ['wasm'] });
  const feeds = { [graph.inputs[0]?.name ?? '']: new ort.Tensor('float32', input.data, input.dims) };
  const results = await session.run(feeds);
  await session.release();
  return results[graph.outputs[0]?.name ?? '']?.data as Float32Array;
}
