import * as ort from 'onnxruntime-node';
import { expect } from 'vitest';
import { elementCount, type DataType, type Tensor } from '../../../shared/tensor.ts';
import { Graph, type Attribute, type Node, type TensorType } from '../../../gpu-runner/onnx/graph.ts';
import { inferNode, inferShapes } from '../../../gpu-runner/onnx/shapes.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';

/** A float tensor with different, moderate, positive elements. */
export function f32(...dims: number[]): Tensor<'float32'> {
  const data = Float32Array.from({ length: elementCount(dims) }, (_, index) => 1 + Math.sin(index) / 2);
  return { dtype: 'float32', dims, data };
}

/** An int64 vector, or a tensor of other dims. */
export function i64(values: readonly number[], dims: readonly number[] = [values.length]): Tensor<'int64'> {
  return { dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) };
}

export function bools(...dims: number[]): Tensor<'bool'> {
  return {
    dtype: 'bool',
    dims,
    data: Uint8Array.from({ length: elementCount(dims) }, (_, index) => index % 2),
  };
}

export interface NodeCase {
  readonly op: string;
  /** Floats and bools are fed, integers are constants; null is an input left out. */
  readonly inputs: readonly (Tensor | null)[];
  readonly attributes?: Record<string, Attribute>;
  /** Default 1. */
  readonly outputs?: number;
}

/** A node with its inputs' types and its attributes, as a test's name. */
export function title({ op, inputs, attributes = {} }: NodeCase): string {
  const types = inputs.map((tensor) => (tensor ? `${tensor.dtype}[${tensor.dims.join()}]` : '-'));
  const settings = Object.entries(attributes).map(([name, { type, value }]) =>
    type === 'tensor' ? `${name}=tensor` : `${name}=${JSON.stringify(value)}`,
  );
  return [`${op}(${types.join(' ')})`, ...settings].join(' ');
}

function nodeOf({ op, inputs, attributes = {}, outputs = 1 }: NodeCase): Node {
  return {
    name: 'node',
    op,
    domain: '',
    inputs: inputs.map((tensor, index) => (tensor ? `in${index}` : '')),
    outputs: Array.from({ length: outputs }, (_, index) => `out${index}`),
    attributes,
  };
}

const isFed = (tensor: Tensor): boolean => tensor.dtype !== 'int64' && tensor.dtype !== 'int32';

/** What the shape rule says of a node whose integer inputs are constant. */
export function infer(given: NodeCase): TensorType[] {
  const constants = new Map(given.inputs.map((tensor, index) => [`in${index}`, tensor ?? undefined]));
  const types = given.inputs.map((tensor) =>
    tensor ? { dtype: tensor.dtype, dims: tensor.dims } : undefined,
  );
  return inferNode(nodeOf(given), types, (name) => constants.get(name));
}

function graphOf(given: NodeCase, types: readonly TensorType[], batch?: string): Graph {
  const graph = new Graph();
  for (const [index, tensor] of given.inputs.entries()) {
    if (!tensor) continue;
    const dims = batch !== undefined && index === 0 ? [batch, ...tensor.dims.slice(1)] : tensor.dims;
    if (isFed(tensor)) graph.inputs.push({ name: `in${index}`, dtype: tensor.dtype, dims });
    else graph.initializers.set(`in${index}`, tensor);
  }
  graph.nodes.push(nodeOf(given));
  // Only ranks and types are declared, so that ONNX Runtime tells the sizes.
  graph.outputs = types.map(({ dtype, dims }, index) => ({
    name: `out${index}`,
    dtype,
    dims: dims.map(() => null),
  }));
  return graph;
}

export function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.dtype as ort.Tensor.Type, tensor.data, tensor.dims);
}

/** Runs an ONNX file on the CPU. */
export async function runModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
  });
  try {
    return await session.run(
      Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)])),
    );
  } finally {
    await session.release();
  }
}

/** Expects the inferred types to be those of the outputs that ONNX Runtime computes, with a symbolic batch too. */
export async function expectAsOrt(given: NodeCase): Promise<void> {
  const types = infer(given);
  const feeds = Object.fromEntries(
    given.inputs.flatMap((tensor, index) =>
      tensor && isFed(tensor) ? [[`in${index}`, tensor] as const] : [],
    ),
  );
  const results = await runModel(writeModel(graphOf(given, types)), feeds);
  const actual = types.map((_, index): TensorType => {
    const value = results[`out${index}`];
    return { dtype: value?.type as DataType, dims: value?.dims ?? [] };
  });
  expect(types).toEqual(actual);
  const [first] = given.inputs;
  if (!first || !isFed(first) || first.dims.length === 0) return;
  const symbolic = inferShapes(graphOf(given, types, 'N'));
  for (const [index, { dims }] of actual.entries()) {
    const open = symbolic.get(`out${index}`)?.dims ?? [];
    expect(open.map((dim, axis) => (typeof dim === 'number' ? dim : dims[axis]))).toEqual(dims);
  }
}
