import { dataTypes, type DataType, type Tensor } from '../../../shared/tensor.ts';
import { opset, type Dim, type Node, type TensorType } from '../graph.ts';

/** What an operator's shape rule sees of its node: the types of its inputs and, where known, their values. */
export interface ShapeSources {
  readonly inputs: readonly (TensorType | undefined)[];
  readonly constant: (name: string) => Tensor | undefined;
  /** Elements of a small integer value, of which some may be symbolic, e.g. the output of Shape. */
  readonly integers: (name: string) => readonly Dim[] | undefined;
}

/** Gives one type an output, or more than the node asks for. */
export type ShapeRule = (context: ShapeContext) => TensorType[];

/** Far beyond what any runtime takes: a longer "shape" is a mistake that must not be allocated. */
const largestRank = 64;

export class ShapeContext {
  readonly node: Node;
  private readonly sources: ShapeSources;

  constructor(node: Node, sources: ShapeSources) {
    this.node = node;
    this.sources = sources;
  }

  refuse(reason: string): Error {
    return new Error(`Cannot infer ${this.node.op} "${this.node.name}" (opset ${opset}): ${reason}`);
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? '') !== '';
  }

  optional(index: number): TensorType | undefined {
    return this.has(index) ? this.type(index) : undefined;
  }

  type(index: number): TensorType {
    const type = this.sources.inputs[index];
    if (!this.has(index)) throw this.refuse(`input ${index} is missing`);
    if (!type) throw this.refuse(`the type of its input "${this.node.inputs[index] ?? ''}" is unknown`);
    return type;
  }

  dims(index: number): readonly Dim[] {
    return this.type(index).dims;
  }

  /** The types of all inputs, which must be there and of one element type. */
  alike(indices: readonly number[] = [...this.node.inputs.keys()]): TensorType[] {
    const types = indices.map((index) => this.type(index));
    const kinds = [...new Set(types.map(({ dtype }) => dtype))];
    if (kinds.length > 1)
      throw this.refuse(`its inputs must have one element type, got ${kinds.join(' and ')}`);
    return types;
  }

  /** The type of an input that must have a given rank. */
  ranked(index: number, rank: number): TensorType {
    const type = this.type(index);
    if (type.dims.length !== rank) {
      throw this.refuse(`input ${index} must have ${rank} dimensions, got ${show(type.dims)}`);
    }
    return type;
  }

  constant(index: number): Tensor | undefined {
    const name = this.node.inputs[index] ?? '';
    return name === '' ? undefined : this.sources.constant(name);
  }

  /** The elements of an integer input, undefined where it is missing or unknown, symbolic where partly known. */
  integers(index: number): readonly Dim[] | undefined {
    const name = this.node.inputs[index] ?? '';
    if (name === '') return undefined;
    const tensor = this.sources.constant(name);
    return tensor ? integersOf(tensor) : this.sources.integers(name);
  }

  /** The elements of an integer input that decides the rank or meaning of the output: all must be known. */
  knownIntegers(index: number, what: string): number[] {
    const values = this.integers(index);
    if (!values) throw this.refuse(`${what} (input ${index}) must be constant`);
    return values.map((value) => {
      if (typeof value !== 'number')
        throw this.refuse(`${what} (input ${index}) must be constant, got ${show(values)}`);
      return value;
    });
  }

  /** `axis` counted from the front; negative ones count from the back. */
  axis(axis: number, rank: number): number {
    if (axis < -rank || axis >= rank) throw this.refuse(`axis ${axis} is outside a rank of ${rank}`);
    return axis < 0 ? axis + rank : axis;
  }

  axes(axes: readonly number[], rank: number): number[] {
    const normal = axes.map((axis) => this.axis(axis, rank));
    if (new Set(normal).size !== normal.length)
      throw this.refuse(`axes ${axes.join()} name one dimension twice`);
    return normal;
  }

  /** The one dimension that two values share: refuses two different sizes. */
  same(a: Dim, b: Dim, what: string): Dim {
    if (typeof a === 'number' && typeof b === 'number' && a !== b)
      throw this.refuse(`${what}: ${a} against ${b}`);
    return typeof a === 'number' ? a : typeof b === 'number' ? b : (a ?? b);
  }

  /** As many unknown dims as the shape that input `index` will hold is long. */
  unknownDims(index: number): null[] {
    const [rank] = this.dims(index);
    if (typeof rank !== 'number' || rank > largestRank)
      throw this.refuse('the rank of its output is unknown');
    return Array<null>(rank).fill(null);
  }

  dtypeOfCode(code: number): DataType {
    const found = Object.entries(dataTypes).find(([, { onnx }]) => onnx === code);
    if (!found) throw this.refuse(`data type ${code} is not supported`);
    return found[0] as DataType;
  }
}

export const show = (dims: readonly Dim[]): string => `[${dims.map((dim) => dim ?? '?').join()}]`;

/** The elements of an integer tensor as numbers; INT64_MAX loses its last bits, which no shape has. */
export function integersOf(tensor: Tensor): number[] | undefined {
  return tensor.dtype === 'int64' || tensor.dtype === 'int32' ? Array.from(tensor.data, Number) : undefined;
}

/** `dims` with the entry at `axis` replaced. */
export const withDim = (dims: readonly Dim[], axis: number, dim: Dim): Dim[] =>
  dims.map((old, index) => (index === axis ? dim : old));

/** The product, when every dimension is known. */
export function product(dims: readonly Dim[]): number | null {
  let total = 1;
  for (const dim of dims) {
    if (typeof dim !== 'number') return null;
    total *= dim;
  }
  return total;
}
