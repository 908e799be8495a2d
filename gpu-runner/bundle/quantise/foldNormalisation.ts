import { elementCount, type Tensor } from '../../../shared/tensor.ts';
import { floatOf, intOf } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';

/**
 * A copy in which every BatchNormalization that alone reads a Conv with constant weights has gone into them:
 * w' = w g / sqrt(v + e), b' = (b - m) g / sqrt(v + e) + beta. ONNX Runtime does so by itself, but not with weights
 * that are stored quantised. Others stay as they are.
 */
export function foldNormalisation(graph: Graph): Graph {
  const folded = graph.clone();
  const producers = folded.producers();
  const consumers = folded.consumers();
  const outputs = new Set(folded.outputs.map(({ name }) => name));
  for (const norm of [...folded.nodes]) {
    if (norm.op !== 'BatchNormalization' || norm.domain !== '' || intOf(norm, 'training_mode', 0) !== 0)
      continue;
    const [value = ''] = norm.inputs;
    const conv = producers.get(value);
    if (conv?.op !== 'Conv' || consumers.get(value)?.length !== 1 || outputs.has(value)) continue;
    if (foldInto(folded, conv, norm)) {
      conv.outputs = [norm.outputs[0] ?? ''];
      producers.set(conv.outputs[0] ?? '', conv);
      folded.removeNode(norm);
    }
  }
  folded.sort();
  folded.prune();
  return folded;
}

/** @returns whether all that it needs is constant, and the weights were replaced */
function foldInto(graph: Graph, conv: Node, norm: Node): boolean {
  const float = (name = ''): Tensor<'float32'> | undefined => {
    const tensor = graph.initializers.get(name);
    return tensor?.dtype === 'float32' ? tensor : undefined;
  };
  const weight = float(conv.inputs[1]);
  const bias = float(conv.inputs[2]);
  const [gain, shift, mean, variance] = norm.inputs.slice(1, 5).map(float);
  if (!weight || !gain || !shift || !mean || !variance || ((conv.inputs[2] ?? '') !== '' && !bias))
    return false;
  const epsilon = floatOf(norm, 'epsilon', 1e-5);
  const channels = weight.dims[0] ?? 0;
  const length = elementCount(weight.dims.slice(1));
  const data = new Float32Array(weight.data.length);
  const biases = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel += 1) {
    const scale = at(gain, channel) / Math.sqrt(at(variance, channel) + epsilon);
    for (let index = channel * length; index < (channel + 1) * length; index += 1)
      data[index] = at(weight, index) * scale;
    biases[channel] = ((bias ? at(bias, channel) : 0) - at(mean, channel)) * scale + at(shift, channel);
  }
  // Under new names: other nodes may read the old weights.
  const names = [
    graph.fresh(`${conv.inputs[1] ?? ''}.folded`),
    graph.fresh(`${norm.outputs[0] ?? ''}.bias`),
  ] as const;
  graph.initializers.set(names[0], { dtype: 'float32', dims: weight.dims, data });
  graph.initializers.set(names[1], { dtype: 'float32', dims: [channels], data: biases });
  conv.inputs = [conv.inputs[0] ?? '', ...names];
  return true;
}

const at = ({ data }: Tensor<'float32'>, index: number): number => data[index] ?? NaN;
