import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { dataTypes, type DataType, type Tensor } from '../../../shared/tensor.ts';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  type NodeProtoSchema,
  type ValueInfoProtoSchema,
} from '../../../gpu-runner/onnx/proto/onnx_pb.js';
import { encodeTensor } from '../../../gpu-runner/onnx/tensor-proto.ts';

/** Pieces of ONNX files built directly as protobuf, so that old and odd files can be made. */
export type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;

const attribute = (name: string, value: number | readonly number[] | string | Tensor): AttributeInit => {
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? { name, type: Kind.INT, i: BigInt(value) }
      : { name, type: Kind.FLOAT, f: value };
  }
  if (typeof value === 'string') return { name, type: Kind.STRING, s: new TextEncoder().encode(value) };
  if ('dtype' in value) return { name, type: Kind.TENSOR, t: encodeTensor('', value) };
  return { name, type: Kind.INTS, ints: value.map(BigInt) };
};

export function node(
  opType: string,
  input: string[],
  output: string[],
  attributes: Record<string, number | readonly number[] | string | Tensor> = {},
): NodeInit {
  return {
    opType,
    input,
    output,
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

/** A value of a known rank; null is a size that is not known. */
export function value(
  name: string,
  rank: readonly (number | string | null)[],
  dtype: DataType = 'float32',
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = rank.map((size) => {
    if (size === null) return {};
    return typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } };
  });
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dataTypes[dtype].onnx, shape: { dim } } } },
  };
}

export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

interface Extra {
  readonly opsetImport?: { domain: string; version: bigint }[];
  readonly metadataProps?: { key: string; value: string }[];
  readonly functions?: { name: string }[];
}

/** The bytes of a model at an opset, with other parts added or replaced. */
export function model(opset: number, graph: GraphInit, extra: Extra = {}): Uint8Array {
  const irVersion = opset < 12 ? 6n : opset < 19 ? 8n : 10n;
  const opsetImport = [{ domain: '', version: BigInt(opset) }];
  const message = { irVersion, opsetImport, graph: { name: 'graph', ...graph }, ...extra };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, message));
}
