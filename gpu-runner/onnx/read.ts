import { fromBinary } from '@bufbuild/protobuf';
import type { Tensor } from '../../shared/tensor.ts';
import { Graph, type Attribute, type Dim, type Node, type TensorType, type ValueInfo } from './graph.ts';
import { toInt64 } from './int64.ts';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TypeProto,
  type ValueInfoProto,
} from './proto/onnx_pb.js';
import { inferShapes } from './shapes.ts';
import { dataTypeOf, decodeTensor } from './tensor-proto.ts';
import { validate } from './validate.ts';
import { newestOpset, oldestOpset, upgrade } from './versions.ts';

export interface ReadOptions {
  /** The bytes of a data file, by the location that the model gives: a path relative to the model's folder. */
  readonly externalData?: (location: string) => Uint8Array;
}

/**
 * The network in an ONNX file, brought to the standard operators' version `opset`. Its tensors may be views of `bytes`.
 *
 * Constant nodes become initializers, every node gets a name of its own, nodes are put in order.
 *
 * @throws {Error} when the bytes are not an ONNX model, are damaged, or hold what is not supported.
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  const model = parse(bytes);
  if (!model.graph) throw new Error('Cannot read model: it holds no graph; is this an ONNX file?');
  const [extra] = model.functions;
  if (extra)
    throw new Error(`Cannot read model: function "${extra.name}" is not supported; export it inlined`);
  const { version, domains } = operatorSets(model);
  const reader = new GraphReader(options.externalData);
  const { graph, untyped } = reader.read(model.graph);
  graph.domains = domains;
  graph.metadata = new Map(model.metadataProps.map(({ key, value }) => [key, value]));
  graph.sort();
  validate(graph);
  upgrade(graph, version);
  if (untyped.size > 0) typeOutputs(graph, untyped);
  validate(graph);
  return graph;
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot read model: its ${bytes.length} bytes are not a whole ONNX file (${reason})`, {
      cause: error,
    });
  }
}

function operatorSets(model: ModelProto): { version: number; domains: Map<string, number> } {
  const domains = new Map(model.opsetImport.map(({ domain, version }) => [domain, Number(version)]));
  const version = domains.get('') ?? domains.get('ai.onnx');
  if (version === undefined) throw new Error('Cannot read model: it names no opset; is this an ONNX file?');
  if (version < oldestOpset || version > newestOpset) {
    throw new Error(`Cannot read model: opset ${version} is not among ${oldestOpset} to ${newestOpset}`);
  }
  domains.delete('');
  domains.delete('ai.onnx');
  return { version, domains };
}

/** Gives the outputs that the file leaves without a type, or without a rank, the type that follows from the nodes. */
function typeOutputs(graph: Graph, untyped: ReadonlySet<string>): void {
  const types = inferShapes(graph);
  graph.outputs = graph.outputs.map((output) => {
    const type = untyped.has(output.name) ? types.get(output.name) : undefined;
    return type ? { name: output.name, ...type } : output;
  });
}

class GraphReader {
  private readonly external: ReadOptions['externalData'];

  constructor(external: ReadOptions['externalData']) {
    this.external = external;
  }

  /** A graph, and the names of outputs whose type the file leaves open. */
  read(proto: GraphProto): { graph: Graph; untyped: Set<string> } {
    const graph = new Graph(proto.name);
    if (proto.sparseInitializer.length > 0) {
      const name = proto.sparseInitializer[0]?.values?.name ?? '';
      throw new Error(`Cannot read graph "${proto.name}": sparse initializer "${name}" is not supported`);
    }
    for (const tensor of proto.initializer) {
      if (graph.initializers.has(tensor.name)) {
        throw new Error(`Cannot read graph "${proto.name}": initializer "${tensor.name}" is there twice`);
      }
      graph.initializers.set(
        tensor.name,
        decodeTensor(tensor, this.external, `initializer "${tensor.name}"`),
      );
    }
    for (const value of proto.input) {
      if (graph.initializers.has(value.name)) continue;
      const type = typeOf(value.type, `input "${value.name}"`);
      if (!type)
        throw new Error(`Cannot read graph "${proto.name}": the rank of input "${value.name}" is not given`);
      graph.inputs.push({ name: value.name, ...type });
    }
    const untyped = new Set<string>();
    graph.outputs = proto.output.map((value) => this.output(value, untyped));
    for (const node of proto.node) this.node(graph, node);
    nameNodes(graph);
    return { graph, untyped };
  }

  private output(value: ValueInfoProto, untyped: Set<string>): ValueInfo {
    const type = typeOf(value.type, `output "${value.name}"`);
    if (!type) untyped.add(value.name);
    return { name: value.name, ...(type ?? { dtype: 'float32', dims: [] }) };
  }

  private node(graph: Graph, proto: NodeProto): void {
    const domain = proto.domain === 'ai.onnx' ? '' : proto.domain;
    const label = `${proto.opType} "${proto.name === '' ? (proto.output[0] ?? '') : proto.name}"`;
    const attributes = Object.fromEntries(
      proto.attribute.map((attribute): [string, Attribute] => [
        attribute.name,
        this.attribute(attribute, label),
      ]),
    );
    if (proto.opType === 'Constant' && domain === '') {
      const [output = ''] = proto.output;
      if (graph.initializers.has(output))
        throw new Error(`Cannot read ${label}: value "${output}" is defined twice`);
      graph.initializers.set(output, constantTensor(attributes, label));
      return;
    }
    const node: Node = {
      name: proto.name,
      op: proto.opType,
      domain,
      inputs: proto.input,
      outputs: proto.output,
      attributes,
    };
    graph.nodes.push(node);
  }

  private attribute(proto: AttributeProto, label: string): Attribute {
    const decoder = new TextDecoder();
    const what = `attribute "${proto.name}" of ${label}`;
    if (proto.refAttrName !== '')
      throw new Error(`Cannot read ${what}: references to a function's attributes are not supported`);
    switch (proto.type) {
      case Kind.INT:
        return { type: 'int', value: Number(proto.i) };
      case Kind.FLOAT:
        return { type: 'float', value: proto.f };
      case Kind.STRING:
        return { type: 'string', value: decoder.decode(proto.s) };
      case Kind.INTS:
        return { type: 'ints', value: proto.ints.map(Number) };
      case Kind.FLOATS:
        return { type: 'floats', value: proto.floats };
      case Kind.STRINGS:
        return { type: 'strings', value: proto.strings.map((bytes) => decoder.decode(bytes)) };
      case Kind.TENSOR:
        if (!proto.t) throw new Error(`Cannot read ${what}: the tensor is missing`);
        return { type: 'tensor', value: decodeTensor(proto.t, this.external, what) };
      case Kind.GRAPH: {
        if (!proto.g) throw new Error(`Cannot read ${what}: the graph is missing`);
        const { graph, untyped } = this.read(proto.g);
        const [open] = untyped;
        if (open !== undefined)
          throw new Error(`Cannot read ${what}: the shape of its output "${open}" is not given`);
        return { type: 'graph', value: graph };
      }
      case Kind.UNDEFINED:
      case Kind.SPARSE_TENSOR:
      case Kind.SPARSE_TENSORS:
      case Kind.TENSORS:
      case Kind.GRAPHS:
      case Kind.TYPE_PROTO:
      case Kind.TYPE_PROTOS:
        throw new Error(`Cannot read ${what}: attributes of kind ${Kind[proto.type]} are not supported`);
      default:
        throw new Error(`Cannot read ${what}: its kind ${String(proto.type)} is unknown`);
    }
  }
}

/** Undefined where the type or its rank is left open. */
function typeOf(proto: TypeProto | undefined, what: string): TensorType | undefined {
  if (!proto?.value.case) return undefined;
  if (proto.value.case !== 'tensorType') {
    const kind = proto.value.case.replace('Type', '');
    throw new Error(`Cannot read ${what}: ${kind} values are not supported, only tensors`);
  }
  const { elemType, shape } = proto.value.value;
  if (elemType === 0 || !shape) return undefined;
  const dims = shape.dim.map(({ value }): Dim => {
    if (value.case === 'dimParam') return value.value === '' ? null : value.value;
    const size = value.case === 'dimValue' ? Number(value.value) : null;
    // Some exporters write 0 or -1 for a size that is only known later.
    return size === null || size <= 0 ? null : size;
  });
  return { dtype: dataTypeOf(elemType, what), dims };
}

/** The value of a Constant node, whichever attribute holds it. */
function constantTensor(attributes: Record<string, Attribute>, label: string): Tensor {
  const [value] = Object.values(attributes);
  switch (value?.type) {
    case 'tensor':
      return value.value;
    case 'int':
      return { dtype: 'int64', dims: [], data: BigInt64Array.of(toInt64(value.value)) };
    case 'ints':
      return { dtype: 'int64', dims: [value.value.length], data: BigInt64Array.from(value.value, toInt64) };
    case 'float':
      return { dtype: 'float32', dims: [], data: Float32Array.of(value.value) };
    case 'floats':
      return { dtype: 'float32', dims: [value.value.length], data: Float32Array.from(value.value) };
    case 'string':
      return { dtype: 'string', dims: [], data: [value.value] };
    case 'strings':
      return { dtype: 'string', dims: [value.value.length], data: [...value.value] };
    case 'graph':
    case undefined:
      throw new Error(`Cannot read ${label}: it has no value`);
    default:
      return value satisfies never;
  }
}

/** Files may leave nodes without a name, or give two the same one; errors and edits need to tell them apart. */
function nameNodes(graph: Graph): void {
  const taken = new Set<string>();
  for (const node of graph.nodes) {
    const wish = node.name === '' ? `${node.op}_${node.outputs[0] ?? ''}` : node.name;
    let name = wish;
    for (let serial = 1; taken.has(name); serial += 1) name = `${wish}_${serial}`;
    taken.add(name);
    node.name = name;
  }
}
