import { Graph, int, ints, type Attribute, type Node } from '../onnx/graph.ts';
import { inferNode } from '../onnx/shapes.ts';
import { dataTypes, elementCount, type DataType, type Tensor } from '../../shared/tensor.ts';

/** The type of a value in a training graph: every dimension is known. */
export interface StaticType {
  readonly dtype: DataType;
  readonly dims: readonly number[];
}

export interface OpOptions {
  attributes?: Record<string, Attribute>;
  /** Output names, or how many to make up (default 1). */
  outputs?: number | readonly string[];
  domain?: string;
}

/**
 * Writes a graph of standard operators one node at a time and knows the static type of every value in it.
 * Methods named after operators return the name of the value they make.
 */
export class Emitter {
  readonly graph: Graph;
  private readonly types = new Map<string, StaticType>();
  private readonly constants = new Map<string, string>();
  private serial = 0;

  constructor(name: string) {
    this.graph = new Graph(name);
  }

  fresh(prefix: string): string {
    this.serial += 1;
    return `${prefix}_${this.serial}`;
  }

  /** @throws {Error} when no value has this name. */
  type(value: string): StaticType {
    const type = this.types.get(value);
    if (!type) throw new Error(`Cannot find value "${value}" in graph "${this.graph.name}"`);
    return type;
  }

  dims(value: string): readonly number[] {
    return this.type(value).dims;
  }

  input(name: string, dtype: DataType, dims: readonly number[]): string {
    this.graph.inputs.push({ name, dtype, dims });
    this.types.set(name, { dtype, dims });
    return name;
  }

  output(value: string): void {
    this.graph.outputs.push({ name: value, ...this.type(value) });
  }

  initializer(name: string, tensor: Tensor): string {
    this.graph.initializers.set(name, tensor);
    this.types.set(name, { dtype: tensor.dtype, dims: tensor.dims });
    return name;
  }

  /** A small constant; equal ones share one initializer. */
  constant(tensor: Tensor): string {
    const key = `${tensor.dtype}[${tensor.dims.join()}]${Array.from(tensor.data, String).join()}`;
    let name = this.constants.get(key);
    if (name === undefined) {
      name = this.initializer(this.fresh('constant'), tensor);
      this.constants.set(key, name);
    }
    return name;
  }

  int64s(values: readonly number[]): string {
    return this.constant({ dtype: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /**
   * The numbers in an int64 initializer: axes, starts, a shape.
   *
   * @throws {Error} when the value is not one.
   */
  constantInts(value: string): number[] {
    const tensor = this.graph.initializers.get(value);
    if (tensor?.dtype !== 'int64') throw new Error(`Cannot read "${value}": it is not a constant of int64`);
    return Array.from(tensor.data, Number);
  }

  /** A rank-0 constant of the type of `like`. */
  scalar(value: number, like: string): string {
    const { dtype } = this.type(like);
    if (dtype === 'float64') return this.constant({ dtype, dims: [], data: Float64Array.of(value) });
    if (dtype === 'float32') return this.constant({ dtype, dims: [], data: Float32Array.of(value) });
    throw new Error(`Cannot make a ${dtype} scalar: "${like}" must be float32 or float64`);
  }

  /** Adds a node whatever its number of outputs; their types are inferred. */
  node(op: string, inputs: readonly string[], options: OpOptions = {}): Node {
    const { outputs = 1, attributes = {}, domain = '' } = options;
    const names =
      typeof outputs === 'number' ? Array.from({ length: outputs }, () => this.fresh(op)) : [...outputs];
    const node: Node = {
      name: this.fresh(`${op}_node`),
      op,
      domain,
      inputs: [...inputs],
      outputs: names,
      attributes,
    };
    this.inferOutputs(node);
    this.graph.nodes.push(node);
    return node;
  }

  /** Asks a node already in the graph for its optional output `index` too, e.g. the indices of a MaxPool. */
  optionalOutput(node: Node, index: number): string {
    const present = node.outputs[index];
    if (present !== undefined && present !== '') return present;
    const value = this.fresh(node.op);
    while (node.outputs.length < index) node.outputs.push('');
    node.outputs[index] = value;
    this.inferOutputs(node);
    return value;
  }

  private inferOutputs(node: Node): void {
    const inferred = inferNode(
      node,
      node.inputs.map((value) => (value === '' ? undefined : this.type(value))),
      (value) => this.graph.initializers.get(value),
    );
    for (const [index, value] of node.outputs.entries()) {
      const type = inferred[index];
      if (value === '' || !type) continue;
      const dims = type.dims.map((dim) => {
        if (typeof dim !== 'number')
          throw new Error(`Cannot emit ${node.op}: the shape of its output ${index} is not static`);
        return dim;
      });
      this.types.set(value, { dtype: type.dtype, dims });
    }
  }

  /** Adds a node and returns its first output. */
  op(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    const output = this.node(op, inputs, { attributes }).outputs[0];
    if (output === undefined) throw new Error(`Cannot emit ${op}: it has no output`);
    return output;
  }

  add = (a: string, b: string): string => this.op('Add', [a, b]);
  sub = (a: string, b: string): string => this.op('Sub', [a, b]);
  mul = (a: string, b: string): string => this.op('Mul', [a, b]);
  div = (a: string, b: string): string => this.op('Div', [a, b]);
  matmul = (a: string, b: string): string => this.op('MatMul', [a, b]);

  scale(value: string, factor: number): string {
    return factor === 1 ? value : this.mul(value, this.scalar(factor, value));
  }

  reshape(value: string, dims: readonly number[]): string {
    const old = this.dims(value);
    if (old.length === dims.length && old.every((dim, axis) => dim === dims[axis])) return value;
    if (elementCount(old) !== elementCount(dims))
      throw new Error(`Cannot reshape [${old.join()}] to [${dims.join()}]`);
    return this.op('Reshape', [value, this.int64s(dims)]);
  }

  transpose(value: string, perm: readonly number[]): string {
    if (perm.every((from, to) => from === to)) return value;
    return this.op('Transpose', [value], { perm: ints(perm) });
  }

  /** Sum over `axes`, which stay as ones when `keepdims` (the default). */
  sum(value: string, axes: readonly number[], keepdims = true): string {
    if (axes.length === 0) return value;
    return this.op('ReduceSum', [value, this.int64s(axes)], { keepdims: int(keepdims ? 1 : 0) });
  }

  /** Repeats `value` along its axes of size 1 so that it has `dims`. */
  expand(value: string, dims: readonly number[]): string {
    if (this.dims(value).join() === dims.join()) return value;
    return this.op('Expand', [value, this.int64s(dims)]);
  }

  /** `value` as numbers of the type of `like`. */
  castLike(value: string, like: string): string {
    const { dtype } = this.type(like);
    return this.type(value).dtype === dtype
      ? value
      : this.op('Cast', [value], { to: int(dataTypes[dtype].onnx) });
  }

  concat(values: readonly string[], axis: number): string {
    const [only] = values;
    return values.length === 1 && only !== undefined ? only : this.op('Concat', values, { axis: int(axis) });
  }

  /** `value[start:end]` along one axis. */
  slice(value: string, axis: number, start: number, end: number, step = 1): string {
    return this.op('Slice', [
      value,
      this.int64s([start]),
      this.int64s([end]),
      this.int64s([axis]),
      this.int64s([step]),
    ]);
  }

  /** Sums a gradient over the axes that broadcasting stretched, so that it has `dims` again. */
  unbroadcast(value: string, dims: readonly number[]): string {
    const wide = this.dims(value);
    const lead = wide.length - dims.length;
    const axes = wide.flatMap((dim, axis) =>
      axis < lead || (dims[axis - lead] === 1 && dim !== 1) ? [axis] : [],
    );
    return this.reshape(this.sum(value, axes), dims);
  }
}
