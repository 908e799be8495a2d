import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { dataTypes, type Tensor } from '../../shared/tensor.ts';
import { opset, type Attribute, type Dim, type Graph, type Node, type ValueInfo } from './graph.ts';
import { toInt64 } from './int64.ts';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  type NodeProtoSchema,
  type ValueInfoProtoSchema,
} from './proto/onnx_pb.js';
import { encodeTensor, tensorBytes, type ExternalLocation } from './tensor-proto.ts';
import { validate } from './validate.ts';

export interface ExternalData {
  /** Bytes from which on an initializer goes to a data file. */
  readonly threshold: number;
  /** Stores an initializer's bytes and tells where. */
  readonly place: (tensorName: string, bytes: Uint8Array) => ExternalLocation;
}

export interface WriteOptions {
  readonly externalData?: ExternalData;
}

/** The file format version that came with `opset`. */
const irVersion = 10n;
/** Protobuf readers, ONNX Runtime's too, take no larger message. */
const largestMessage = 2 ** 31 - 1;

/**
 * The graph as the bytes of an ONNX file.
 *
 * @throws {Error} when the graph is not valid, or its tensors do not fit one file and no external data is asked for.
 */
export function writeModel(graph: Graph, options: WriteOptions = {}): Uint8Array {
  validate(graph);
  const external = options.externalData;
  const inside = [...graph.initializers.values()].reduce((sum, tensor) => {
    const size = byteSize(tensor);
    return external && size >= external.threshold ? sum : sum + size;
  }, 0);
  if (inside > largestMessage) {
    throw new Error(
      `Cannot write graph "${graph.name}": ${inside} bytes of tensors need external data (2 GiB a file)`,
    );
  }
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'trunkline',
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      ...[...graph.domains].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    ],
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
    graph: encodeGraph(graph, external),
  });
  return toBinary(ModelProtoSchema, model);
}

const byteSize = (tensor: Tensor): number => (tensor.dtype === 'string' ? 0 : tensor.data.byteLength);

function encodeGraph(graph: Graph, external?: ExternalData): MessageInitShape<typeof GraphProtoSchema> {
  return {
    name: graph.name === '' ? 'graph' : graph.name,
    input: graph.inputs.map(encodeValue),
    output: graph.outputs.map(encodeValue),
    initializer: [...graph.initializers].map(([name, tensor]) => {
      const outside = external && tensor.dtype !== 'string' && byteSize(tensor) >= external.threshold;
      return encodeTensor(name, tensor, outside ? external.place(name, tensorBytes(tensor)) : undefined);
    }),
    node: graph.nodes.map(encodeNode),
  };
}

function encodeValue({ name, dtype, dims }: ValueInfo): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = dims.map((size: Dim) => {
    if (typeof size === 'number') return { value: { case: 'dimValue' as const, value: BigInt(size) } };
    return size === null ? {} : { value: { case: 'dimParam' as const, value: size } };
  });
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dataTypes[dtype].onnx, shape: { dim } } } },
  };
}

function encodeNode(node: Node): MessageInitShape<typeof NodeProtoSchema> {
  return {
    name: node.name,
    opType: node.op,
    domain: node.domain,
    input: node.inputs,
    output: node.outputs,
    attribute: Object.entries(node.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
  };
}

function encodeAttribute(name: string, attribute: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
  switch (attribute.type) {
    case 'int':
      return { name, type: Kind.INT, i: toInt64(attribute.value) };
    case 'float':
      return { name, type: Kind.FLOAT, f: attribute.value };
    case 'string':
      return { name, type: Kind.STRING, s: utf8(attribute.value) };
    case 'tensor':
      return { name, type: Kind.TENSOR, t: encodeTensor('', attribute.value) };
    case 'ints':
      return { name, type: Kind.INTS, ints: attribute.value.map(toInt64) };
    case 'floats':
      return { name, type: Kind.FLOATS, floats: [...attribute.value] };
    case 'strings':
      return { name, type: Kind.STRINGS, strings: attribute.value.map(utf8) };
    case 'graph':
      return { name, type: Kind.GRAPH, g: encodeGraph(attribute.value) };
    default:
      return attribute satisfies never;
  }
}
