import type { Tensor } from '../../shared/tensor.ts';
import { floatOf, intOf, intsOf, stringOf } from './attributes.ts';
import { int, opset, type Graph, type Node, type TensorType } from './graph.ts';
import { toInt64 } from './int64.ts';
import { subgraphs } from './node.ts';
import { inferShapes } from './shapes.ts';

/** Opset 11 put sizes into inputs nearly everywhere; before it, too much differs. */
export const oldestOpset = 11;
/** The newest one that ONNX Runtime 1.30 supports officially. */
export const newestOpset = 26;

interface Upgrade {
  /** Needed by nodes of an older opset than this, in which the operator changed its form. */
  readonly since: number;
  readonly apply: (node: Node, graph: Graph) => void;
}

function refuse(node: Node, reason: string): Error {
  return new Error(`Cannot bring ${node.op} "${node.name}" to opset ${opset}: ${reason}`);
}

function setSecondInput(node: Node, graph: Graph, hint: string, tensor: Tensor): void {
  const name = graph.fresh(`${node.outputs[0] ?? node.name}_${hint}`);
  graph.initializers.set(name, tensor);
  node.inputs[1] = name;
}

/** An attribute that lists integers became the second input, under the same name. */
function toInput(attribute: string): Upgrade['apply'] {
  return (node, graph) => {
    const values = intsOf(node, attribute);
    if (!values) return;
    const data = BigInt64Array.from(values, toInt64);
    setSecondInput(node, graph, attribute, { dtype: 'int64', dims: [values.length], data });
    node.attributes = without(node, attribute);
  };
}

const without = (node: Node, attribute: string): Node['attributes'] =>
  Object.fromEntries(Object.entries(node.attributes).filter(([name]) => name !== attribute));

/** Equal parts must be counted since 18; their number was that of the outputs. */
const split: Upgrade['apply'] = (node) => {
  if ((node.inputs[1] ?? '') === '') node.attributes['num_outputs'] = int(node.outputs.length);
};

const dropout: Upgrade['apply'] = (node, graph) => {
  const ratio = floatOf(node, 'ratio', 0.5);
  setSecondInput(node, graph, 'ratio', { dtype: 'float32', dims: [], data: Float32Array.of(ratio) });
  node.attributes = without(node, 'ratio');
};

/** Outputs beyond the first asked for training, whose statistics were defined differently. */
const batchNormalization: Upgrade['apply'] = (node) => {
  if (node.outputs.slice(1).some((name) => name !== ''))
    throw refuse(node, 'its training outputs are not supported');
  node.outputs = node.outputs.slice(0, 1);
};

/** An unused roi or scales input was an empty tensor, and is left out now. */
const resize: Upgrade['apply'] = (node, graph) => {
  if (stringOf(node, 'coordinate_transformation_mode') === 'tf_half_pixel_for_nn') {
    throw refuse(node, 'coordinate_transformation_mode "tf_half_pixel_for_nn" is not supported');
  }
  node.inputs = node.inputs.map((name) => (graph.initializers.get(name)?.data.length === 0 ? '' : name));
};

const unsupported: Upgrade['apply'] = (node) => {
  throw refuse(node, 'the operator changed since, and is not supported in its old form');
};

const reductions = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'];

/** What changed form from opset 11 to `opset`; all else means the same, or only takes more types. */
const upgrades = new Map<string, readonly Upgrade[]>(
  Object.entries({
    ...Object.fromEntries(
      reductions.map((kind) => [`Reduce${kind}`, [{ since: 18, apply: toInput('axes') }]]),
    ),
    ReduceSum: [{ since: 13, apply: toInput('axes') }],
    Squeeze: [{ since: 13, apply: toInput('axes') }],
    Unsqueeze: [{ since: 13, apply: toInput('axes') }],
    Split: [
      { since: 13, apply: toInput('split') },
      { since: 18, apply: split },
    ],
    Dropout: [{ since: 12, apply: dropout }],
    BatchNormalization: [{ since: 14, apply: batchNormalization }],
    Resize: [{ since: 13, apply: resize }],
    RoiAlign: [{ since: 16, apply: unsupported }],
    DFT: [{ since: 20, apply: unsupported }],
    GridSample: [{ since: 20, apply: unsupported }],
    GroupNormalization: [{ since: 21, apply: unsupported }],
  }),
);

/** Operators that came after `opset`, and attributes with the value that changes nothing. */
const newOperators = new Set([
  ...['Attention', 'BitCast', 'CumProd', 'RMSNormalization', 'RotaryEmbedding', 'Swish', 'TensorScatter'],
]);
const newAttributes = new Map<string, { attribute: string; neutral: string | number }>([
  ['Cast', { attribute: 'round_mode', neutral: 'up' }],
  ['CastLike', { attribute: 'round_mode', neutral: 'up' }],
  ['DequantizeLinear', { attribute: 'output_dtype', neutral: 0 }],
  ['QuantizeLinear', { attribute: 'precision', neutral: 0 }],
]);

function downgrade(node: Node): void {
  if (newOperators.has(node.op)) throw refuse(node, 'the operator is newer');
  const later = newAttributes.get(node.op);
  const given = later && node.attributes[later.attribute];
  if (!later || !given) return;
  if (given.value !== later.neutral) throw refuse(node, `its attribute "${later.attribute}" is newer`);
  node.attributes = without(node, later.attribute);
}

const softmaxes = new Set(['Softmax', 'LogSoftmax', 'Hardmax']);

/**
 * Before opset 13 a softmax ran over all dimensions from its axis on together, and the axis was 1 by default. That is the
 * last axis of a flattened input, or of the input itself where its rank says so.
 */
function rewriteSoftmax(node: Node, graph: Graph, types: ReadonlyMap<string, TensorType> | undefined): void {
  const [input = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const axis = intOf(node, 'axis', 1);
  node.attributes['axis'] = int(-1);
  if (axis === -1 || axis + 1 === types?.get(input)?.dims.length) return;
  const flat = graph.fresh(`${output}_flat`);
  const rows = graph.fresh(`${output}_rows`);
  const shape = graph.fresh(`${output}_shape`);
  graph.addNode('Flatten', [input], [flat], { axis: int(axis) });
  graph.addNode('Shape', [input], [shape]);
  node.inputs = [flat];
  node.outputs = [rows];
  graph.addNode('Reshape', [rows, shape], [output]);
}

/** Undefined where some operator is not supported: then nothing that depends on shapes can be simplified. */
function typesIfKnown(graph: Graph): ReadonlyMap<string, TensorType> | undefined {
  try {
    return inferShapes(graph);
  } catch {
    return undefined;
  }
}

/**
 * Brings a graph's standard operators, in nested graphs too, from `version` to `opset`, in place.
 *
 * @throws {Error} naming the first node that has no equal form at `opset`.
 */
export function upgrade(graph: Graph, version: number): void {
  const nodes = graph.nodes.filter(({ domain }) => domain === '');
  for (const node of graph.nodes) for (const inner of subgraphs(node)) upgrade(inner, version);
  for (const node of nodes) {
    for (const { since, apply } of upgrades.get(node.op) ?? []) if (version < since) apply(node, graph);
    if (version > opset) downgrade(node);
  }
  const old = nodes.filter(({ op }) => version < 13 && softmaxes.has(op));
  if (old.length === 0) return;
  const types = typesIfKnown(graph);
  for (const node of old) rewriteSoftmax(node, graph, types);
  graph.sort();
}
