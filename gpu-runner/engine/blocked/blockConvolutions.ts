/**
 * ONNX Runtime's fast convolutions read channels in blocks, [batch, channels / block, ...spatial, block], and it brings
 * only convolutions whose weights are constants into that form. In a training step weights change: here the graph is
 * rewritten to say it itself, in ONNX Runtime's own operators. Such a graph runs on the CPU provider of this machine and
 * nowhere else: it is made when a session is, and never kept.
 */
import { elementCount } from '../../../shared/tensor.ts';
import { intOf } from '../../onnx/attributes.ts';
import { int, ints, type Graph, type Node } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';

const domain = 'com.microsoft.nchwc';

/** Operators that treat every element alike, so that its place does not matter. */
const elementwise = new Set([
  'Add',
  'Sub',
  'Mul',
  'Neg',
  'Relu',
  'HardSigmoid',
  'Sigmoid',
  'Tanh',
  'LeakyRelu',
  'Identity',
]);

/**
 * A copy of a graph of static shapes whose float32 convolutions over images run in blocks, where their channels are
 * multiples of the block. Values between them stay in blocks through elementwise operators; whoever else reads them gets
 * them in order, and every name in the graph still means what it meant.
 *
 * @param block channels in a block: what `blockSize` found on this machine. A wrong one gives wrong numbers silently.
 */
export function blockConvolutions(graph: Graph, block: number): Graph {
  const types = inferShapes(graph);
  const dimsOf = (value: string): readonly number[] =>
    (types.get(value)?.dims ?? []).map((dim) => (typeof dim === 'number' ? dim : NaN));
  const result = graph.clone();
  const nodes = result.nodes;
  result.nodes = [];
  result.domains.set(domain, 1);
  /** The blocked form of a value, where there is one. */
  const blocked = new Map<string, string>();
  /** Values that have only a blocked form so far. */
  const unordered = new Set<string>();

  const add = (op: string, inputs: string[], output: string, more: Partial<Node> = {}): string => {
    result.nodes.push({
      name: `blocks/${op}/${output}`,
      op,
      domain: '',
      inputs,
      outputs: [output],
      attributes: {},
      ...more,
    });
    return output;
  };
  const shape = (dims: readonly number[]): string => result.addIntegers(`blocks/shape/${dims.join()}`, dims);
  const inBlocks = (value: string): string => {
    const known = blocked.get(value);
    if (known !== undefined) return known;
    const name = add('ReorderInput', [value], `blocks/${value}`, { domain });
    blocked.set(value, name);
    return name;
  };
  const inOrder = (value: string): void => {
    if (!unordered.delete(value)) return;
    const attributes = { channels: int(dimsOf(value)[1] ?? 0) };
    add('ReorderOutput', [blocked.get(value) ?? ''], value, { domain, attributes });
  };
  const emitBlocked = (node: Node, inputs: string[], more: Partial<Node> = {}): void => {
    const [output = ''] = node.outputs;
    blocked.set(
      output,
      add(node.op, inputs, `blocks/${output}`, { ...node, inputs, outputs: [`blocks/${output}`], ...more }),
    );
    unordered.add(output);
  };
  /**
   * Weights [out, in, ...kernel] with `block` outputs innermost, before them `block` inputs where those come in blocks:
   * [out / block, in / block, taps, block, block]. Two transposes of matrices are up to nine times faster than one of all
   * axes at once.
   */
  const weightInBlocks = (weight: string, blocksInputs: boolean): string => {
    const [out = 0, channels = 0, ...kernel] = dimsOf(weight);
    const taps = elementCount(kernel);
    const name = `blocks/${weight}/${blocksInputs ? 'blocks' : 'order'}`;
    if (blocked.has(name)) return name;
    blocked.set(name, name);
    const swap = (value: string, step: string, dims: readonly number[]): string => {
      const split = add('Reshape', [value, shape(dims)], `${name}/${step}/split`);
      return add('Transpose', [split], `${name}/${step}`, { attributes: { perm: ints([0, 2, 1]) } });
    };
    const inner = blocksInputs ? swap(weight, 'inputs', [(out * channels) / block, block, taps]) : weight;
    const outer = swap(inner, 'outputs', [out / block, block, channels * taps]);
    return add('Reshape', [outer, shape([out, channels, ...kernel])], name);
  };

  /** Whether every value the node reads is in blocks already, and none is repeated along an axis: blocks are another order. */
  const staysInBlocks = ({ op, domain: own, inputs, outputs: [output = ''] }: Node): boolean =>
    own === '' &&
    elementwise.has(op) &&
    inputs.every((value) => blocked.has(value) && dimsOf(value).join() === dimsOf(output).join());

  for (const node of nodes) {
    const [x = '', weight = '', bias] = node.inputs;
    const form =
      node.op === 'Conv' ? formOf(node, types.get(x)?.dtype, dimsOf(x), dimsOf(weight), block) : undefined;
    if (form) {
      for (const value of [weight, ...(bias === undefined ? [] : [bias])]) if (value !== '') inOrder(value);
      if (!form.blocksInput) inOrder(x);
      const inputs = [
        form.blocksInput ? inBlocks(x) : x,
        weightInBlocks(weight, form.blocksWeight),
        ...node.inputs.slice(2),
      ];
      emitBlocked(node, inputs, { domain });
    } else if (staysInBlocks(node)) {
      emitBlocked(
        node,
        node.inputs.map((value) => blocked.get(value) ?? value),
      );
    } else {
      node.inputs.forEach(inOrder);
      result.nodes.push(node);
    }
  }
  for (const { name } of result.outputs) inOrder(name);
  return result;
}

/**
 * How a convolution runs in blocks: few input channels are read in order, a depthwise one has weights for single channels.
 *
 * @returns undefined where it does not
 */
function formOf(
  node: Node,
  dtype: string | undefined,
  x: readonly number[],
  weight: readonly number[],
  block: number,
): { readonly blocksInput: boolean; readonly blocksWeight: boolean } | undefined {
  const group = intOf(node, 'group', 1);
  const [out = 0, channels = 0] = weight;
  if (dtype !== 'float32' || node.domain !== '' || x.length !== 4 || out % block !== 0) return undefined;
  if (group === 1 && channels < block) return { blocksInput: false, blocksWeight: false };
  if (group > 1 && channels === 1 && out === group) return { blocksInput: true, blocksWeight: false };
  const fits = channels % block === 0 && (out / group) % block === 0;
  return fits ? { blocksInput: true, blocksWeight: true } : undefined;
}
