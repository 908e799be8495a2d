import type { Tensor } from '../../../shared/tensor.ts';
import { floatOf, intOf } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';

/** A convolution or dense layer with constant weights. */
export interface Layer {
  /** The node's name, or its output's where it has none. */
  readonly name: string;
  readonly node: Node;
  /** Name of its weights. */
  readonly weight: string;
  /** The weights' axis of output channels. */
  readonly axis: number;
  /** Why integer arithmetic cannot compute it; null when it can. */
  readonly unsupported: string | null;
}

/** Layers that hold weights, in the order they run. Products of two activations are none. */
export function layersOf(graph: Graph): Layer[] {
  return graph.nodes.flatMap((node) => {
    if (node.domain !== '' || !['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(node.op)) return [];
    const [, weight = '', bias = ''] = node.inputs;
    const tensor = graph.initializers.get(weight);
    if (tensor?.dtype !== 'float32') return [];
    const name = node.name === '' ? (node.outputs[0] ?? '') : node.name;
    const axis = channelAxis(node, tensor);
    const unsupported = reasonAgainst(node, tensor, bias === '' ? null : graph.initializers.get(bias), axis);
    return [{ name, node, weight, axis, unsupported }];
  });
}

function channelAxis(node: Node, { dims }: Tensor): number {
  switch (node.op) {
    case 'Conv':
      return 0;
    case 'ConvTranspose':
      return 1;
    case 'Gemm':
      return intOf(node, 'transB', 0) === 1 ? 0 : 1;
    default:
      return dims.length - 1;
  }
}

/** @param bias null where there is none, undefined where it is not constant */
function reasonAgainst(
  node: Node,
  { dims }: Tensor,
  bias: Tensor | null | undefined,
  axis: number,
): string | null {
  if (node.op === 'ConvTranspose') return 'ONNX Runtime has no transposed convolution of integers';
  if (bias === undefined) return 'its bias is not constant';
  const channels = dims[axis] ?? 0;
  if (bias && (bias.dtype !== 'float32' || bias.data.length !== channels))
    return `its bias [${bias.dims.join()}] is not one number for each of ${channels} channels`;
  if (node.op === 'MatMul' && dims.length !== 2) return `its weights [${dims.join()}] are not one matrix`;
  if (node.op === 'Gemm') {
    const [alpha, beta] = [floatOf(node, 'alpha', 1), floatOf(node, 'beta', 1)];
    if (alpha !== 1 || beta !== 1 || intOf(node, 'transA', 0) !== 0)
      return `it computes alpha ${alpha}, beta ${beta}, transA ${intOf(node, 'transA', 0)}, not 1, 1, 0`;
  }
  return null;
}
