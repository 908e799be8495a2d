import type { Graph, Node } from '../onnx/graph.ts';
import type { Chain, ChainLayer, ChannelOp } from './chain.ts';
import { addBias, foldBatchNormalization, readChannelOp, readConv, readDense } from './readLayer.ts';
import { surroundingsOf, type Surroundings } from './surroundings.ts';

/**
 * Reads a network as a chain of conv and dense layers. Dropout and Identity vanish, batch normalisation is folded into
 * the layer before it, MatMul and Add become one dense layer.
 *
 * @param task named in errors
 * @throws {Error} when the graph is not such a chain; the message names the operator and the node.
 */
export function readChain(graph: Graph, task: string): Chain {
  const [input, ...otherInputs] = graph.inputs;
  const [output, ...otherOutputs] = graph.outputs;
  if (!input || !output || otherInputs.length > 0 || otherOutputs.length > 0) {
    throw new Error(
      `Cannot zip "${task}": it has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs, not one of each`,
    );
  }
  const around = surroundingsOf(graph, task);
  const dims = around.dims(input.name);
  const before: ChannelOp[] = [];
  const layers: { layer: ChainLayer; after: ChannelOp[] }[] = [];

  let value = input.name;
  while (value !== output.name) {
    const node = onlyReader(graph, value, task, around);
    const last = layers.at(-1);
    const bare = last?.after.length === 0 ? last : undefined;
    const name = layerName(
      node,
      layers.map(({ layer }) => layer.name),
    );
    switch (node.op) {
      case 'Conv':
        layers.push({ layer: readConv(node, name, around), after: [] });
        break;
      case 'Gemm':
      case 'MatMul':
        layers.push({ layer: readDense(node, name, channelsOf(layers, dims), around), after: [] });
        break;
      case 'Add':
        if (!bare) throw around.refuse(node, 'only a bias that is added directly after a layer is supported');
        bare.layer = addBias(node, bare.layer, value, around);
        break;
      case 'BatchNormalization':
        if (!bare) throw around.refuse(node, 'it can be folded only directly after a layer');
        bare.layer = foldBatchNormalization(node, bare.layer, around);
        break;
      case 'Dropout':
      case 'Identity':
        break;
      default:
        (last?.after ?? before).push(readChannelOp(node, around));
    }
    value = node.outputs[0] ?? '';
  }
  return { input: { name: input.name, dims }, before, layers: finish(layers, task) };
}

function finish(layers: readonly { layer: ChainLayer; after: ChannelOp[] }[], task: string): ChainLayer[] {
  const last = layers.at(-1);
  if (!last) throw new Error(`Cannot zip "${task}": it has no conv or dense layer`);
  const [trailing] = last.after;
  if (trailing) {
    throw new Error(
      `Cannot zip "${task}": ${trailing.op} follows its last layer "${last.layer.name}"; it must end in that layer's logits`,
    );
  }
  return layers.map(({ layer, after }) => ({ ...layer, after }));
}

/** Channels of the value that the next layer reads: those of the last layer, or of the input. */
const channelsOf = (layers: readonly { layer: ChainLayer }[], inputDims: readonly number[]): number =>
  layers.at(-1)?.layer.bias.length ?? inputDims[0] ?? 1;

function onlyReader(graph: Graph, value: string, task: string, around: Surroundings): Node {
  const [reader, another] = graph.nodes.filter((node) => node.inputs.includes(value));
  if (!reader) throw new Error(`Cannot zip "${task}": its output does not depend on "${value}"`);
  if (another)
    throw around.refuse(another, `it reads "${value}" as ${reader.op} does, and branches are not supported`);
  if (reader.domain !== '')
    throw around.refuse(reader, `its operator set "${reader.domain}" is not supported`);
  if (reader.inputs[0] !== value && reader.op !== 'Add')
    throw around.refuse(reader, `"${value}" is not its first input`);
  if (reader.outputs.slice(1).some((name) => graph.nodes.some((node) => node.inputs.includes(name)))) {
    throw around.refuse(reader, 'a second output of it is used');
  }
  return reader;
}

/** What its author called a layer, from the name of its weights or node ("conv1.weight", "/conv1/Conv"). */
function layerName(node: Node, taken: readonly string[]): string {
  const fromWeight = /^(.+)[._](?:weight|W)$/.exec(node.inputs[1] ?? '')?.[1];
  const fromNode = node.name.replace(/^\/|\/(?:Conv|Gemm|MatMul)$/g, '');
  const name = fromWeight ?? fromNode;
  return name === '' || taken.includes(name) ? `layer${taken.length + 1}` : name;
}
