import { elementCount } from '../../shared/tensor.ts';
import type { Graph, Node } from '../onnx/graph.ts';

export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  /** Where it lies in the flat vector of all parameters. */
  readonly offset: number;
  readonly length: number;
  /** Whether weight decay applies: to weights, not to biases and normalisation. */
  readonly decays: boolean;
}

export type Role = 'weight' | 'bias';

/** Where operators read what training may change, by input index. */
const roles: Readonly<Record<string, readonly (Role | undefined)[]>> = {
  Conv: [undefined, 'weight', 'bias'],
  Gemm: ['weight', 'weight', 'bias'],
  MatMul: ['weight', 'weight'],
  BatchNormalization: [undefined, 'bias', 'bias'],
};

/**
 * Lays the named initializers out in one flat vector, in the order of the names.
 *
 * @param names default: every float32 initializer that is read as a weight, a bias, or a scale or shift of a normalisation;
 * constants such as a mean that is subtracted from the input are not
 * @throws {Error} when a name is unknown, listed twice or not float32, or when there is nothing to train.
 */
export function layOutParameters(graph: Graph, names?: readonly string[]): Parameter[] {
  const found = rolesOf(graph);
  let offset = 0;
  const wanted = names ?? [...found.keys()];
  if (wanted.length === 0) throw new Error(`Cannot train graph "${graph.name}": it has no parameters`);
  if (new Set(wanted).size < wanted.length)
    throw new Error(`Cannot train graph "${graph.name}": a parameter is listed twice`);
  return wanted.map((name) => {
    const tensor = graph.initializers.get(name);
    if (!tensor) throw new Error(`Cannot train "${name}": graph "${graph.name}" has no such initializer`);
    if (tensor.dtype !== 'float32')
      throw new Error(`Cannot train "${name}": it is ${tensor.dtype}, not float32`);
    const length = elementCount(tensor.dims);
    offset += length;
    const decays = (found.get(name) ?? (tensor.dims.length > 1 ? 'weight' : 'bias')) === 'weight';
    return { name, dims: tensor.dims, offset: offset - length, length, decays };
  });
}

export const flatLength = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, { length }) => sum + length, 0);

/** The parameters' present values, one after the other. */
export function packParameters(graph: Graph, parameters: readonly Parameter[]): Float32Array {
  const flat = new Float32Array(flatLength(parameters));
  for (const { name, offset } of parameters) {
    const tensor = graph.initializers.get(name);
    if (tensor?.dtype === 'float32') flat.set(tensor.data, offset);
  }
  return flat;
}

/** A copy of the graph with its parameters taken from the flat vector. */
export function unpackParameters(graph: Graph, parameters: readonly Parameter[], flat: Float32Array): Graph {
  const copy = graph.clone();
  for (const { name, dims, offset, length } of parameters) {
    copy.initializers.set(name, { dtype: 'float32', dims, data: flat.slice(offset, offset + length) });
  }
  return copy;
}

/** What each float32 initializer is read as: a weight where any node reads it as one. */
export function rolesOf(graph: Graph): Map<string, Role> {
  const producers = graph.producers();
  const found = new Map<string, Role>();
  for (const node of graph.nodes) {
    for (const [index, name] of node.inputs.entries()) {
      const role = node.op === 'Add' ? addedRole(node, index, producers) : roles[node.op]?.[index];
      if (role === undefined || graph.initializers.get(name)?.dtype !== 'float32') continue;
      if (found.get(name) !== 'weight') found.set(name, role);
    }
  }
  return found;
}

/** What is added to a product, or to a sum of products, is a bias; what is added to an input is a constant. */
function addedRole(node: Node, index: number, producers: ReadonlyMap<string, Node>): Role | undefined {
  const isProduct = (value: string): boolean =>
    ['MatMul', 'Conv', 'Gemm'].includes(producers.get(value)?.op ?? '');
  let [value = ''] = node.inputs.toSpliced(index, 1);
  for (
    let sum = producers.get(value);
    sum?.op === 'Add' && !sum.inputs.some(isProduct);
    sum = producers.get(value)
  ) {
    value = sum.inputs[0] ?? '';
  }
  const sum = producers.get(value);
  return isProduct(value) || sum?.op === 'Add' ? 'bias' : undefined;
}
