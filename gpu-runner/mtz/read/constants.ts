import type { Graph, Node, TensorType } from '../../onnx/graph.ts';
import { tensorOf } from '../../onnx/attributes.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { Unreadable } from './unreadable.ts';

/** Numbers that are known before the network runs. */
export interface Constant {
  readonly dims: readonly number[];
  readonly values: Float64Array;
}

/** Operators that leave the elements of a constant in their order. */
const relabeling = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Cast', 'CastLike']);

/** Looks up weights and settings, also those that come through a cast, a transposition or a change of shape. */
export class Constants {
  /** Names of weights that are stored in another float type than the network computes in, by type. */
  readonly converted = new Map<string, string>();
  private readonly graph: Graph;
  private readonly types: ReadonlyMap<string, TensorType>;
  private readonly producers: ReadonlyMap<string, Node>;

  constructor(graph: Graph, types: ReadonlyMap<string, TensorType>) {
    this.graph = graph;
    this.types = types;
    this.producers = graph.producers();
  }

  /** The elements of a float constant; undefined where the value is computed. */
  floats(name: string | undefined): Constant | undefined {
    if (name === undefined || name === '') return undefined;
    const stored = this.stored(name);
    if (stored) return { dims: stored.dims, values: this.toFloats(name, stored) };
    const node = this.producers.get(name);
    if (!node || node.domain !== '') return undefined;
    if (relabeling.has(node.op)) {
      const source = this.floats(node.inputs[0]);
      return source && { dims: known(this.types.get(name)?.dims ?? []), values: source.values };
    }
    if (node.op === 'Transpose') {
      const source = this.floats(node.inputs[0]);
      return source?.dims.length === 2 ? transposed(source) : undefined;
    }
    return undefined;
  }

  /** The elements of an integer constant; undefined where it is computed or left out. */
  integers(name: string | undefined): number[] | undefined {
    const stored = this.stored(name ?? '');
    return stored?.dtype === 'int64' || stored?.dtype === 'int32'
      ? Array.from(stored.data, Number)
      : undefined;
  }

  private stored(name: string): Tensor | undefined {
    const node = this.producers.get(name);
    return (
      this.graph.initializers.get(name) ?? (node?.op === 'Constant' ? tensorOf(node, 'value') : undefined)
    );
  }

  private toFloats(name: string, { dtype, data }: Tensor): Float64Array {
    switch (dtype) {
      case 'float32':
        return new Float64Array(data);
      case 'float64':
        this.converted.set(name, dtype);
        return data;
      case 'float16':
        this.converted.set(name, dtype);
        return Float64Array.from(data, half);
      case 'bfloat16':
        this.converted.set(name, dtype);
        return Float64Array.from(new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer));
      default:
        throw new Unreadable(`"${name}" is ${dtype}, not float32`);
    }
  }
}

/** The number of an IEEE 754 half. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const known = (dims: TensorType['dims']): number[] =>
  dims.map((dim) => {
    if (typeof dim === 'number') return dim;
    throw new Unreadable('the shape of its weight is not known');
  });

function transposed({ dims, values }: Constant): Constant {
  const [rows = 0, cols = 0] = dims;
  const turned = Float64Array.from(
    values,
    (_, index) => values[(index % rows) * cols + Math.floor(index / rows)] ?? 0,
  );
  return { dims: [cols, rows], values: turned };
}
