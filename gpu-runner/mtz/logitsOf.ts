import type { Graph } from '../onnx/graph.ts';

/**
 * A network that answers with logits: the same without a Softmax at its end, which cross-entropy and distillation compute
 * themselves.
 */
export function logitsOf(graph: Graph): Graph {
  const [output] = graph.outputs;
  const last = output && graph.producers().get(output.name);
  const logits = last?.inputs[0];
  if (!output || last?.op !== 'Softmax' || logits === undefined || graph.outputs.length > 1) return graph;
  const bare = graph.clone();
  bare.outputs = [{ ...output, name: logits }];
  bare.prune();
  return bare;
}
