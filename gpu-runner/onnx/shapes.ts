import type { Tensor } from '../../shared/tensor.ts';
import { opset, type Dim, type Graph, type Node, type TensorType } from './graph.ts';
import { ShapeContext, type ShapeRule, type ShapeSources } from './shapes/context.ts';
import { convolution } from './shapes/convolution.ts';
import { elementwise } from './shapes/elementwise.ts';
import { indexing } from './shapes/indexing.ts';
import { inferIntegers } from './shapes/integers.ts';
import { layout } from './shapes/layout.ts';
import { matmuls } from './shapes/matmul.ts';
import { normalization } from './shapes/normalization.ts';
import { parts } from './shapes/parts.ts';
import { pooling } from './shapes/pooling.ts';
import { quantization } from './shapes/quantization.ts';
import { reduction } from './shapes/reduction.ts';
import { resize } from './shapes/resize.ts';
import { sources } from './shapes/sources.ts';

/** One rule an operator of the standard set, as it is at `opset`. */
const rules = new Map<string, ShapeRule>(
  [
    ...[convolution, elementwise, indexing, layout, matmuls, normalization, parts],
    ...[pooling, quantization, reduction, resize, sources],
  ].flatMap((family) => Object.entries(family)),
);

/** The operators whose output types can be inferred. */
export const supportedOperators: ReadonlySet<string> = new Set(rules.keys());

function infer(node: Node, given: ShapeSources): { types: TensorType[]; context: ShapeContext } {
  const rule = node.domain === '' || node.domain === 'ai.onnx' ? rules.get(node.op) : undefined;
  if (!rule) {
    const name = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    throw new Error(`Cannot infer node "${node.name}": operator ${name} (opset ${opset}) is not supported`);
  }
  const context = new ShapeContext(node, given);
  const types = rule(context).slice(0, node.outputs.length);
  if (types.length < node.outputs.length) {
    throw context.refuse(`it has ${node.outputs.length} outputs, only ${types.length} are defined`);
  }
  return { types, context };
}

/**
 * The types of a node's outputs, one each.
 *
 * @param inputs types of its inputs, undefined where an optional one is left out
 * @param constant the value of an input that is known before the graph runs, e.g. the shape of a Reshape
 * @throws {Error} when the operator is not supported, or its inputs and attributes do not fit each other.
 */
export function inferNode(
  node: Node,
  inputs: readonly (TensorType | undefined)[],
  constant: (name: string) => Tensor | undefined,
): TensorType[] {
  return infer(node, { inputs, constant, integers: () => undefined }).types;
}

/**
 * The types of all values of a graph: inputs, initializers and outputs of nodes.
 *
 * @param inputDims dims to take in place of the declared ones, by input, e.g. with a known batch
 * @throws {Error} when an operator is not supported, shapes do not fit, or a value is used before it is defined.
 */
export function inferShapes(
  graph: Graph,
  inputDims: Readonly<Record<string, readonly number[]>> = {},
): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  const integers = new Map<string, readonly Dim[]>();
  const constants = new Map(graph.initializers);
  for (const [name, { dtype, dims }] of graph.initializers) types.set(name, { dtype, dims });
  for (const { name, dtype, dims } of graph.inputs) {
    const given = Object.hasOwn(inputDims, name) ? inputDims[name] : undefined;
    types.set(name, { dtype, dims: given ? bind(name, dims, given) : dims });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => {
      if (name !== '' && !types.has(name)) {
        throw new Error(
          `Cannot infer ${node.op} "${node.name}": its input "${name}" is not defined before it`,
        );
      }
      return types.get(name);
    });
    const given = {
      inputs,
      constant: (name: string) => constants.get(name),
      integers: (name: string) => integers.get(name),
    };
    const inferred = infer(node, given);
    for (const [index, name] of node.outputs.entries()) {
      const type = inferred.types[index];
      if (name !== '' && type) types.set(name, type);
    }
    const [output = ''] = node.outputs;
    const { value } = node.attributes;
    if (node.op === 'Constant' && value?.type === 'tensor') constants.set(output, value.value);
    const known = isSmallInteger(types.get(output)) ? inferIntegers(inferred.context) : undefined;
    if (known) integers.set(output, known);
  }
  return types;
}

const isSmallInteger = (type: TensorType | undefined): boolean =>
  type !== undefined && (type.dtype === 'int64' || type.dtype === 'int32') && type.dims.length < 2;

function bind(name: string, declared: readonly Dim[], given: readonly number[]): readonly number[] {
  const fits =
    declared.length === given.length &&
    declared.every((dim, axis) => typeof dim !== 'number' || dim === given[axis]);
  if (!fits)
    throw new Error(
      `Cannot give input "${name}" dims [${given.join()}]: it has [${declared.map((dim) => dim ?? '?').join()}]`,
    );
  return given;
}
